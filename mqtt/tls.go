package mqtt

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSConfig reads PEM files: the authority that signed the broker's certificate, empty for the system's; our own
// certificate and its key, both empty when the broker asks for none. Its errors are one sentence for people.
func TLSConfig(caFile, certFile, keyFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("the broker's authority cannot be read: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", caFile)
		}
	}
	switch {
	case certFile == "" && keyFile == "":
		return config, nil
	case certFile == "" || keyFile == "":
		return nil, errors.New("a client certificate and its key come together")
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("the client certificate and its key cannot be used: %w", err)
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}
