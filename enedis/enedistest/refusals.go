package enedistest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// refusal is an answer that is no.
type refusal struct {
	status int
	body   any
}

func (r *refusal) answer() answer { return jsonAnswer(r.status, typeJSON, r.body) }

// codedBody is the shape of v5, which the API of 2026 uses as well.
type codedBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	URI         string `json:"error_uri,omitempty"`
}

// plainBody is the shape of the Swagger files of 2026.
type plainBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// faultBody is the shape of the gateway in front of the APIs, WSO2.
type faultBody struct {
	Fault faultDetail `json:"fault"`
}

type faultDetail struct {
	Code        int    `json:"code"`
	Message     string `json:"message"`
	Description string `json:"description"`
}

func coded(status int, code, description string) *refusal {
	return &refusal{status, codedBody{Error: code, Description: description}}
}

func plain(status int, message string) *refusal {
	return &refusal{status, plainBody{Code: strconv.Itoa(status), Message: message}}
}

func gateway(status, code int, message, description string) *refusal {
	return &refusal{status, faultBody{faultDetail{code, message, description}}}
}

func invalidRequest(description string) *refusal {
	return coded(http.StatusBadRequest, "Invalid_request", description)
}

// malformed is what the API of 2026 says to any request that does not match its Swagger file: 500, not 400.
func malformed() *refusal {
	return plain(http.StatusInternalServerError, "Problème technique dans l'interrogation du SI coeur")
}

func methodNotAllowed() *refusal {
	return gateway(http.StatusMethodNotAllowed, 405, "Method Not Allowed", "Method not allowed for given API resource")
}

func missingCredentials() *refusal {
	return gateway(http.StatusUnauthorized, 900902, "Missing Credentials",
		"Required OAuth credentials not provided. Make sure your API invocation call has a header: "+
			"\"Authorization: Bearer ACCESS_TOKEN\"")
}

func invalidCredentials(res *resource) *refusal {
	return gateway(http.StatusUnauthorized, 900901, "Invalid Credentials", fmt.Sprintf(
		"Access failure for API: %s, version: %s status: (900901) - Invalid Credentials. "+
			"Make sure you have given the correct access token", res.context, res.context[lastSlash(res.context)+1:]))
}

func notSubscribed() *refusal {
	return gateway(http.StatusForbidden, 900908, "Resource forbidden ",
		"User is NOT authorized to access the Resource. API Subscription validation failed.")
}

func overSecond(d dialect, left time.Duration) *refusal { return over(d, "Quota Q3 reached", left) }

func overHour(d dialect, left time.Duration) *refusal { return over(d, "Quota Q4 reached", left) }

func over(d dialect, code string, left time.Duration) *refusal {
	if d == v2026 {
		return plain(http.StatusTooManyRequests, "SLA dépassé")
	}
	seconds := int((left + time.Second - 1) / time.Second)
	return coded(http.StatusTooManyRequests, code,
		fmt.Sprintf("Call threshold allowed on %d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60))
}

// unknownPoint answers a PRM that the application has no business with.
func unknownPoint(q *query) *refusal {
	switch {
	case q.dialect == v2026:
		return plain(http.StatusForbidden, "Le client n'est pas titulaire du point demandé")
	case q.measure == "":
		return unknownUser()
	}
	return noConsent()
}

func unknownUser() *refusal {
	return coded(http.StatusNotFound, "STM-ERR-0000019", "Unknown or unauthorized user")
}

func noConsent() *refusal {
	return coded(http.StatusForbidden, "ADAM-DC-0008", "No consent can be found for this customer and this usage point.")
}

func noService() *refusal {
	return coded(http.StatusBadRequest, "Bad request", "Pas de services souscrits, le flux est stoppé.")
}

func notHolder() *refusal {
	return coded(http.StatusBadRequest, "ADAM-DC-0007", "Le client n'est pas titulaire du point demandé.")
}

func wrongDirection() *refusal {
	return coded(http.StatusBadRequest, "ADAM-ERR0069", "Le sens de la mesure ne correspond pas pour le PRM demandé.")
}

func curveObjection() *refusal {
	return coded(http.StatusBadRequest, "ADAM-ERR0075", "The customer objected to the load curve recording")
}

func beforeActivation(d dialect) *refusal {
	text := "The requested period cannot be anterior to the meter's last activation date"
	if d == v2026 {
		text = "La demande ne peut pas aboutir, la période demandée est antérieure à " +
			"la date de dernière mise en service du point."
	}
	return coded(http.StatusBadRequest, "ADAM-ERR0123", text)
}

func beforeHistory() *refusal {
	return coded(http.StatusBadRequest, "ADAM-ERR0125", "The start date must be greater than the history deadline.")
}

func curveTooLong() *refusal {
	return &refusal{http.StatusBadRequest, codedBody{
		Error:       "ADAM-ERR0126",
		Description: "The requested period must be less than 7 days for an access to the load curve.",
		URI:         "https://bluecoder.enedis.fr/api-doc/consulter-souscrire",
	}}
}

func endNotAfterStart(d dialect) *refusal {
	if d == v2026 {
		return coded(http.StatusBadRequest, "ADAM-ERR0002", "La date de fin doit être postérieure à la date de début.")
	}
	return invalidRequest("Start date should be before end date.")
}

func endInFuture() *refusal {
	return invalidRequest("The end date parameter must be earlier than the current date.")
}

func noData(d dialect, likeV5 bool) *refusal {
	if d == v2026 && !likeV5 {
		return plain(http.StatusNotFound, "Pas de mesure trouvée pour ce point")
	}
	return coded(http.StatusNotFound, "no_data_found", "no measure found for this usage point")
}

func technicalError(d dialect) *refusal {
	if d == v2026 {
		return malformed()
	}
	return coded(http.StatusInternalServerError, "technical_error", "Technical error. Please try later.")
}
