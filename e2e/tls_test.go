//go:build e2e

package e2e

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
)

// authority signs certificates, all in files of one folder.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.issue(t, "ca", template)
	return a
}

// issue writes NAME.crt and NAME.key, signed by the authority, or by itself while there is none.
func (a *authority) issue(t *testing.T, name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	a.write(t, name+".crt", "CERTIFICATE", der)
	a.write(t, name+".key", "PRIVATE KEY", private)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert, key
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) issueServer(t *testing.T) {
	t.Helper()
	a.issue(t, "server", &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "broker"}, NotAfter: time.Now().AddDate(1, 0, 0),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
}

func (a *authority) issueClient(t *testing.T) {
	t.Helper()
	a.issue(t, "client", &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "bridge"}, NotAfter: time.Now().AddDate(1, 0, 0),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// config is that of a client of ours with the client's certificate.
func (a *authority) config(t *testing.T) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	pair, err := tls.LoadX509KeyPair(a.file("client.crt"), a.file("client.key"))
	require.NoError(t, err)
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
}

// TestMutualTLS has a broker that shows a certificate of a private authority and asks for one.
func TestMutualTLS(t *testing.T) {
	a := newAuthority(t)
	a.issueServer(t)
	a.issueClient(t)
	broker := startMosquitto(t, "allow_anonymous true", "cafile "+a.file("ca.crt"), "certfile "+a.file("server.crt"),
		"keyfile "+a.file("server.key"), "require_certificate true")
	meters := household(1, lastDays(7))
	s := startSimulator(t, 1)
	startBridge(t, settings(t, s, broker, meters, map[string]string{
		"MQTT_URL":       "mqtts://127.0.0.1:" + broker.port,
		"MQTT_CA_FILE":   a.file("ca.crt"),
		"MQTT_CERT_FILE": a.file("client.crt"),
		"MQTT_KEY_FILE":  a.file("client.key"),
	}))
	ours := withTLS(a.config(t))
	await(t, "the meter is green over TLS", 60*time.Second, func() error {
		return complete(t, retained(t, broker, ours), meters[0])
	})
	requireDocuments(t, retained(t, broker, ours), meters[0])
}
