package blob

import (
	"net/http"
	"strconv"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

func (s *Service) createContainer(w http.ResponseWriter, r request) error {
	created, err := s.world.CreateContainer(r.account.Name, r.container)
	if err != nil {
		return refusalOf(err)
	}
	validators(w, created.ETag, created.Modified)
	w.WriteHeader(http.StatusCreated)
	return nil
}

func (s *Service) deleteContainer(w http.ResponseWriter, r request) error {
	found, err := s.world.Container(r.account.Name, r.container)
	if err != nil {
		return refusalOf(err)
	}
	if found.Immutable {
		return immutable()
	}
	if err := s.world.DeleteContainer(r.account.Name, r.container); err != nil {
		return refusalOf(err)
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// containerProperties states, among other things, whether anything here can be deleted again.
func (s *Service) containerProperties(w http.ResponseWriter, r request) error {
	found, err := s.world.Container(r.account.Name, r.container)
	if err != nil {
		return refusalOf(err)
	}
	validators(w, found.ETag, found.Modified)
	for name, value := range containerHeaders(found) {
		w.Header().Set(name, value)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// defaultEncryptionScope is that of a container for which none was chosen.
const defaultEncryptionScope = "$account-encryption-key"

func containerHeaders(c world.Container) map[string]string {
	return map[string]string{
		"x-ms-lease-status":                              "unlocked",
		"x-ms-lease-state":                               "available",
		"x-ms-has-immutability-policy":                   strconv.FormatBool(c.Immutable),
		"x-ms-has-legal-hold":                            "false",
		"x-ms-immutable-storage-with-versioning-enabled": "false",
		"x-ms-default-encryption-scope":                  defaultEncryptionScope,
		"x-ms-deny-encryption-scope-override":            "false",
	}
}

// validators sets the headers that a later condition can name.
func validators(w http.ResponseWriter, etag string, modified time.Time) {
	w.Header().Set("ETag", etag)
	w.Header().Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
}
