package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// settings are the app settings: the environment that the host and the handler share.
type settings map[string]string

// loadSettings merges the process environment, the values of local.settings.json (which never override what is set
// already) and extra (which always does).
func loadSettings(root string, environ, extra []string) (settings, error) {
	s := settings{}
	for _, pair := range environ {
		s.put(pair)
	}
	local, err := localSettings(filepath.Join(root, "local.settings.json"))
	if err != nil {
		return nil, err
	}
	for name, value := range local {
		if _, set := s[name]; !set {
			s[name] = value
		}
	}
	for _, pair := range extra {
		s.put(pair)
	}
	return s, nil
}

func (s settings) put(pair string) {
	if name, value, ok := strings.Cut(pair, "="); ok && name != "" {
		s[name] = value
	}
}

// environ is the settings in the form that a new process takes.
func (s settings) environ() []string {
	pairs := make([]string, 0, len(s))
	for name, value := range s {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

func localSettings(path string) (map[string]string, error) {
	raw, err := os.ReadFile(path) // the app's own file, beside host.json
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("local.settings.json: %w", err)
	}
	var file struct{ Values map[string]*string }
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("local.settings.json: %w", err)
	}
	values := make(map[string]string, len(file.Values))
	for name, value := range file.Values {
		if value != nil {
			values[name] = *value
		}
	}
	return values, nil
}

var percentName = regexp.MustCompile(`%([^%]+)%`)

// expand replaces every %NAME% by the setting; a name that is not set is an error, because the real host then refuses
// to index the function.
func (s settings) expand(text string) (string, error) {
	var missing []string
	expanded := percentName.ReplaceAllStringFunc(text, func(match string) string {
		name := strings.Trim(match, "%")
		value, ok := s[name]
		if !ok || value == "" {
			missing = append(missing, match)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("%s does not resolve to an app setting", strings.Join(missing, ", "))
	}
	return expanded, nil
}

// expandLoose replaces %NAME% in paths and arguments, where an unset name disappears.
func (s settings) expandLoose(text string) string {
	return percentName.ReplaceAllStringFunc(text, func(match string) string { return s[strings.Trim(match, "%")] })
}

// isDisabled tells whether a setting switches the function off.
func (s settings) isDisabled(function string) bool {
	for _, name := range []string{"AzureWebJobs." + function + ".Disabled", "AzureWebJobs_" + function + "_Disabled"} {
		if isTrue(s[name]) {
			return true
		}
	}
	return false
}

func isTrue(text string) bool { return text == "1" || strings.EqualFold(text, "true") }

// connected reports an error unless the named connection has a value: a connection string, or a namespace for an
// identity. The prefix AzureWebJobs is tried first.
func (s settings) connected(name string) error {
	for _, candidate := range []string{"AzureWebJobs" + name, name} {
		if s[candidate] != "" || s[candidate+"__fullyQualifiedNamespace"] != "" {
			return nil
		}
	}
	return fmt.Errorf("connection %q: neither the setting %s nor %s__fullyQualifiedNamespace is set", name, name, name)
}
