package web

// englishConsent are the pages of the consent in English.
var englishConsent = consentWords{
	Colon: ":", Meters: "Meters", Detail: "Detail", Back: "Back to the page of the bridge",
	Begin: "Give or renew the consent", Start: "Go to Enedis's consent page",
	Astray: "If the browser does not come back here by itself, copy the whole address on which it ended and paste it below, " +
		"within 15 minutes.",
	Steps: []string{
		"Accept at Enedis. The browser may then end on a page that does not open: that does no harm.",
		"Copy the whole address of that page, the one with \"state=\" in it, and paste it below, within 15 minutes.",
	},
	Address: "Address on which the browser ended", Paste: "Use the address",
	Register: "Redirect address to register for your application at Enedis (DataHub)",
	Unregistered: "PUBLIC_URL is not set: with it, this page says which redirect address to register for your application at " +
		"Enedis (DataHub), and the browser comes back by itself.",
	noPublicURL: "The bridge does not know at which address your browser reaches it (PUBLIC_URL): so the way back from " +
		"Enedis is to paste an address.",
	ingress: "You read this page through Home Assistant, to where Enedis cannot send a browser back: if it does not reach " +
		"PUBLIC_URL, the way back is to paste an address.",
	elsewhere: "You read this page at another address than PUBLIC_URL, to where Enedis sends the browser back: if it does " +
		"not get there, the way back is to paste an address.",
	ends: "Consent until %s (%s)", ended: "Consent ended on %s",
	days: "days left: %d", lastDay: "last day",
	awaitedOne:  "A consent is given, and Enedis still prepares the access: nothing to do, the bridge asks again by itself.",
	awaitedMore: "%d consents are given, and Enedis still prepares the access: nothing to do, the bridge asks again by itself.",
	lost:        "A consent came to nothing: after ten requests Enedis still does not know its access. Give it again.",
	said: map[outcome]saying{
		begin: {Title: "Consent", Text: []string{
			"The holder of the meter agrees at Enedis: signs in there, chooses the meters and accepts. The consent can be taken " +
				"back at any time in the Enedis account.",
			"To renew it, the way is the same. If Enedis refuses a meter that is already shared with this application, first " +
				"delete the earlier sharing in the Enedis account, " + account + ".",
		}},
		unavailable: {Title: "No consent here", Text: []string{
			"This bridge has no application of Enedis (ENEDIS_CLIENT_ID and ENEDIS_CLIENT_SECRET), so that nobody can consent " +
				"to it. With a gateway, the consent is given there, and its token goes into the settings.",
		}},
		granted: {Title: "Consent given", Text: []string{
			"Done: the data begin to arrive now. You may close this page.",
		}},
		pending: {Title: "Consent given, access being prepared", Text: []string{
			"Enedis does not open the access to the data yet, or does not answer at the moment. Nothing to do: the bridge " +
				"asks again by itself, each time after RETRY_INTERVAL (30 minutes unless set otherwise), and at most 10 times. You " +
				"may close this page.",
			"If the meter does not appear on the page of the bridge after that, begin again.",
		}},
		refused: {Title: "Consent refused", Text: []string{
			"No consent was given at Enedis, and nothing has changed here. If that was not intended, begin again: choose the " +
				"meter and accept.",
		}},
		failed: {
			Title: "The consent did not come about", Text: []string{
				"Something failed at Enedis or on the way, and no meter was added. What helps, the likeliest first:",
			},
			Remedies: []string{
				"Sign in to your Enedis account, accept its new terms of use if it asks for that, and begin again.",
				"Allow the cookies of enedis.fr (no private window, no blocker), and begin again.",
				"The meter is already shared with this application: first delete that sharing in your Enedis account, and begin " +
					"again.",
				"Enedis may be down: begin again later.",
				"If you run the bridge: \"enedis2mqtt check\" tells whether the credentials and the duration asked for work.",
			},
		},
		unreadable: {Title: "This address cannot be read", Text: []string{
			"It is no address on which Enedis ends, or a part of it is missing. Nothing has changed: copy all of it, with " +
				"everything after the \"?\".",
		}},
		early: {Title: "This address is that of Enedis's page", Text: []string{
			"Nothing has changed: first accept on that page of Enedis, then copy the address on which the browser ends after " +
				"that, and paste it here.",
		}},
		incomplete: {Title: "This address is incomplete", Text: []string{
			"It lacks \"state=\", which tells that it answers a request from here. Nothing has changed: copy the whole address, " +
				"or begin again.",
		}},
		unknown: {Title: "This request is not known here", Text: []string{
			"What came back answers no request of this page: it was made elsewhere, or the bridge was restarted since. Nothing " +
				"has changed: begin again.",
		}},
		expired: {Title: "The time is over", Text: []string{
			"More than 15 minutes have passed since the browser left for Enedis. Nothing has changed: begin again.",
		}},
		used: {Title: "This address was used already", Text: []string{
			"It counts once, and nothing has changed. If the consent was given, the page of the bridge shows it; if not, begin " +
				"again.",
		}},
	},
}
