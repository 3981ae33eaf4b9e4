package kernel

// TrustBundle is the file of certificates that instances trust, among them that of the AWS services' names.
const TrustBundle = "/etc/ssl/certs/ca-certificates.crt"

// Trust is the environment that makes programs in instances which bring certificates of their own use those of the system:
// the AWS CLI and SDKs, programs in Go, Python's requests, and Node.
func Trust() []string {
	return []string{
		"AWS_CA_BUNDLE=" + TrustBundle, "SSL_CERT_FILE=" + TrustBundle, "REQUESTS_CA_BUNDLE=" + TrustBundle, "NODE_EXTRA_CA_CERTS=" + TrustBundle,
	}
}
