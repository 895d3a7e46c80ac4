package blob

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

type containerResults struct {
	XMLName         xml.Name        `xml:"EnumerationResults"`
	ServiceEndpoint string          `xml:"ServiceEndpoint,attr"`
	Prefix          string          `xml:"Prefix,omitempty"`
	Marker          string          `xml:"Marker,omitempty"`
	MaxResults      int             `xml:"MaxResults,omitempty"`
	Containers      []containerItem `xml:"Containers>Container"`
	NextMarker      string          `xml:"NextMarker"`
}

type containerItem struct {
	Name       string              `xml:"Name"`
	Properties containerProperties `xml:"Properties"`
}

type containerProperties struct {
	Modified         string `xml:"Last-Modified"`
	ETag             string `xml:"Etag"`
	LeaseStatus      string `xml:"LeaseStatus"`
	LeaseState       string `xml:"LeaseState"`
	EncryptionScope  string `xml:"DefaultEncryptionScope"`
	DenyOverride     bool   `xml:"DenyEncryptionScopeOverride"`
	HasImmutability  bool   `xml:"HasImmutabilityPolicy"`
	HasLegalHold     bool   `xml:"HasLegalHold"`
	VersionImmutable bool   `xml:"ImmutableStorageWithVersioningEnabled"`
}

// accountOperation is an operation on the account as a whole. Listing its containers takes the right to read
// containers at the account itself or above: a role on one container does not show even that one.
func (s *Service) accountOperation(r request) (operation, error) {
	query := r.URL.Query()
	if r.Method != http.MethodGet || query.Get("comp") != "list" {
		return operation{}, notImplemented(r.Method + " account comp=" + query.Get("comp"))
	}
	return operation{[]right{containersRead}, s.listContainers}, nil
}

// listContainers is List Containers: in the order of the names, a page at a time.
func (s *Service) listContainers(w http.ResponseWriter, r request) error {
	query := r.URL.Query()
	if query.Get("include") != "" {
		return notImplemented("including " + query.Get("include"))
	}
	limit, err := pageSize(query.Get("maxresults"))
	if err != nil {
		return err
	}
	start, err := base64.URLEncoding.DecodeString(query.Get("marker"))
	if err != nil {
		return invalidQuery("marker")
	}
	page, next := cut(s.containersOf(r, query.Get("prefix")), string(start), limit,
		func(c *world.Container) string { return c.Name })
	result := containerResults{
		ServiceEndpoint: serviceEndpoint(r),
		Prefix:          query.Get("prefix"),
		Marker:          query.Get("marker"),
		NextMarker:      next,
	}
	if query.Get("maxresults") != "" {
		result.MaxResults = limit
	}
	for _, c := range page {
		result.Containers = append(result.Containers, containerItem{Name: c.Name, Properties: containerProperties{
			Modified: c.Modified.UTC().Format(http.TimeFormat),
			// In this listing, unlike in that of blobs, the service shows ETags with their quotes.
			ETag:            c.ETag,
			LeaseStatus:     "unlocked",
			LeaseState:      "available",
			EncryptionScope: defaultEncryptionScope,
			HasImmutability: c.Immutable,
		}})
	}
	writeXML(w, http.StatusOK, result)
	return nil
}

// containersOf are the account's containers as they are now, in the order of their names.
func (s *Service) containersOf(r request, prefix string) []*world.Container {
	account, _ := s.world.StorageAccount(r.account.ResourceID)
	found := slices.DeleteFunc(account.Containers, func(c *world.Container) bool {
		return !strings.HasPrefix(c.Name, prefix)
	})
	slices.SortFunc(found, func(a, b *world.Container) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// serviceEndpoint is the account's URL, as listings repeat it.
func serviceEndpoint(r request) string {
	return "https://" + strings.ToLower(r.account.Name) + Suffix + "/"
}
