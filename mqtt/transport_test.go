package mqtt_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/enedis2mqtt/enedis2mqtt/mqtt"
	"github.com/enedis2mqtt/enedis2mqtt/mqtt/mqtttest"
)

func TestTransports(t *testing.T) {
	pki := newPKI(t)
	tests := map[string]struct {
		broker []mqtttest.Option
		scheme string // another name of the broker's own
		ca     string
		cert   string
		key    string
	}{
		"mqtt": {},
		"tcp":  {scheme: "tcp"},
		"ws":   {broker: []mqtttest.Option{mqtttest.WithWebSocket()}},
		"mqtts with an authority": {
			broker: []mqtttest.Option{mqtttest.WithTLS(pki.server(tls.NoClientCert))},
			ca:     pki.caFile,
		},
		"ssl with a client certificate": {
			broker: []mqtttest.Option{mqtttest.WithTLS(pki.server(tls.RequireAndVerifyClientCert))},
			scheme: "ssl",
			ca:     pki.caFile, cert: pki.certFile, key: pki.keyFile,
		},
		"wss with a client certificate": {
			broker: []mqtttest.Option{mqtttest.WithTLS(pki.server(tls.RequireAndVerifyClientCert)), mqtttest.WithWebSocket()},
			ca:     pki.caFile, cert: pki.certFile, key: pki.keyFile,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := mqtttest.New(t, tc.broker...)
			o := options(b)
			if tc.scheme != "" {
				o.URL.Scheme = tc.scheme
			}
			var err error
			o.TLS, err = mqtt.TLSConfig(tc.ca, tc.cert, tc.key)
			require.NoError(t, err)
			o.Subscribe = []string{"in"}
			c, stop := run(t, o)
			connected(t, c)
			body := make([]byte, 300<<10)
			require.NoError(t, c.Publish(t.Context(), "out", body, true))
			require.Len(t, b.Retained()["out"], len(body))
			b.Publish("in", string(body), false)
			require.Len(t, (<-c.Messages()).Body, len(body))
			b.Drop()
			connected(t, c)
			require.NoError(t, c.Publish(t.Context(), "out", nil, true))
			stop()
			b.AwaitRetained(stateTopic, is("offline"))
		})
	}
}

func TestTLSRefusesABrokerThatItDoesNotKnow(t *testing.T) {
	ours, theirs := newPKI(t), newPKI(t)
	b := mqtttest.New(t, mqtttest.WithTLS(theirs.server(tls.NoClientCert)))
	var l logs
	o := options(b)
	o.Log = l.logger()
	var err error
	o.TLS, err = mqtt.TLSConfig(ours.caFile, "", "")
	require.NoError(t, err)
	run(t, o)
	require.Eventually(t, func() bool { return len(l.lines("broker not reached", "certificate signed by unknown authority")) == 1 },
		10*time.Second, time.Millisecond)
	require.Zero(t, b.Connections())
}

func TestTLSConfigSaysWhatIsWrong(t *testing.T) {
	pki := newPKI(t)
	missing := filepath.Join(t.TempDir(), "missing.pem")
	tests := map[string]struct {
		ca, cert, key string
		want          string
	}{
		"no authority file":           {ca: missing, want: "authority cannot be read"},
		"an authority that is a key":  {ca: pki.keyFile, want: "no certificate in PEM form"},
		"a certificate without a key": {cert: pki.certFile, want: "come together"},
		"a key without a certificate": {key: pki.keyFile, want: "come together"},
		"a key that is another's":     {cert: pki.caFile, key: pki.keyFile, want: "cannot be used"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := mqtt.TLSConfig(tc.ca, tc.cert, tc.key)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// pki is an authority with a broker and a client.
type pki struct {
	caFile, certFile, keyFile string
	pool                      *x509.CertPool
	broker                    tls.Certificate
}

func (p pki) server(clients tls.ClientAuthType) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{p.broker}, ClientCAs: p.pool, ClientAuth: clients}
}

func newPKI(t *testing.T) pki {
	t.Helper()
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, caKey := issue(t, ca, ca, nil)
	client, clientKey := issue(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "client"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca, caKey)
	server, serverKey := issue(t, &x509.Certificate{
		Subject:     pkix.Name{CommonName: "broker"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, ca, caKey)

	dir := t.TempDir()
	p := pki{
		caFile:   filepath.Join(dir, "ca.pem"),
		certFile: filepath.Join(dir, "client.pem"),
		keyFile:  filepath.Join(dir, "client.key"),
		pool:     x509.NewCertPool(),
		broker:   tls.Certificate{Certificate: [][]byte{server}, PrivateKey: serverKey},
	}
	authority, err := x509.ParseCertificate(caDER)
	require.NoError(t, err)
	p.pool.AddCert(authority)
	key, err := x509.MarshalPKCS8PrivateKey(clientKey)
	require.NoError(t, err)
	writePEM(t, p.caFile, "CERTIFICATE", caDER)
	writePEM(t, p.certFile, "CERTIFICATE", client)
	writePEM(t, p.keyFile, "PRIVATE KEY", key)
	return p
}

// issue signs a certificate with the parent's key, or with its own when there is none.
func issue(t *testing.T, c, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	c.NotBefore = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	c.NotAfter = time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
	if parentKey == nil {
		parentKey = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	require.NoError(t, err)
	return der, key
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}
