package plugin

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/world"
)

// credential is what the environment, or the profile in the shared credentials file, gives to sign with.
func credential(profile string) (sigv4.Credential, error) {
	if id := os.Getenv("AWS_ACCESS_KEY_ID"); profile == "" && id != "" {
		return sigv4.Credential{ID: world.AccessKeyID(id), Secret: os.Getenv("AWS_SECRET_ACCESS_KEY"), Token: os.Getenv("AWS_SESSION_TOKEN")}, nil
	}
	if profile == "" {
		profile = "default"
	}
	path := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return sigv4.Credential{}, err
		}
		path = filepath.Join(home, ".aws", "credentials")
	}
	f, err := os.Open(path)
	if err != nil {
		return sigv4.Credential{}, fmt.Errorf("no credentials: %w", err)
	}
	defer f.Close()
	values, section := map[string]string{}, ""
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSpace(strings.TrimSuffix(name, "]"))
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && section == profile {
			values[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	if values["aws_access_key_id"] == "" {
		return sigv4.Credential{}, errors.New("the profile " + profile + " has no access key")
	}
	return sigv4.Credential{
		ID: world.AccessKeyID(values["aws_access_key_id"]), Secret: values["aws_secret_access_key"], Token: values["aws_session_token"],
	}, nil
}
