package blob

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// maxPage is the most that one page of a listing holds; asking for more gets this.
const maxPage = 5000

type enumerationResults struct {
	XMLName         xml.Name   `xml:"EnumerationResults"`
	ServiceEndpoint string     `xml:"ServiceEndpoint,attr"`
	ContainerName   string     `xml:"ContainerName,attr"`
	Prefix          string     `xml:"Prefix,omitempty"`
	Marker          string     `xml:"Marker,omitempty"`
	MaxResults      int        `xml:"MaxResults,omitempty"`
	Blobs           []blobItem `xml:"Blobs>Blob"`
	NextMarker      string     `xml:"NextMarker"`
}

type blobItem struct {
	Name       string         `xml:"Name"`
	Properties itemProperties `xml:"Properties"`
	Metadata   *itemMetadata  `xml:"Metadata"`
}

type itemProperties struct {
	Created       string `xml:"Creation-Time"`
	Modified      string `xml:"Last-Modified"`
	ETag          string `xml:"Etag"`
	Size          int    `xml:"Content-Length"`
	ContentType   string `xml:"Content-Type"`
	BlobType      string `xml:"BlobType"`
	AccessTier    string `xml:"AccessTier"`
	TierInferred  bool   `xml:"AccessTierInferred"`
	LeaseStatus   string `xml:"LeaseStatus"`
	LeaseState    string `xml:"LeaseState"`
	ServerEncrypt bool   `xml:"ServerEncrypted"`
}

type itemMetadata struct {
	Entries []metadataEntry
}

type metadataEntry struct {
	XMLName xml.Name
	Value   string `xml:",chardata"`
}

// list is List Blobs, flat: in the order of the names, a page at a time.
func (s *Service) list(w http.ResponseWriter, r request) error {
	query := r.URL.Query()
	if query.Get("delimiter") != "" {
		return notImplemented("listing by hierarchy")
	}
	limit, err := pageSize(query.Get("maxresults"))
	if err != nil {
		return err
	}
	start, err := base64.URLEncoding.DecodeString(query.Get("marker"))
	if err != nil {
		return invalidQuery("marker")
	}
	found, err := s.world.Blobs(r.account.Name, r.container, query.Get("prefix"))
	if err != nil {
		return refusalOf(err)
	}
	page, next := cut(found, string(start), limit, func(b world.Blob) string { return b.Name })
	result := enumerationResults{
		ServiceEndpoint: serviceEndpoint(r),
		ContainerName:   r.container,
		Prefix:          query.Get("prefix"),
		Marker:          query.Get("marker"),
		Blobs:           items(page, slices.Contains(strings.Split(query.Get("include"), ","), "metadata")),
		NextMarker:      next,
	}
	if query.Get("maxresults") != "" {
		result.MaxResults = limit
	}
	writeXML(w, http.StatusOK, result)
	return nil
}

func pageSize(asked string) (int, error) {
	if asked == "" {
		return maxPage, nil
	}
	size, err := strconv.Atoi(asked)
	if err != nil || size < 1 {
		return 0, &failure{status: http.StatusBadRequest, code: "OutOfRangeQueryParameterValue",
			message: "One of the query parameters specified in the request URI is outside the permissible range. " +
				"QueryParameterName: maxresults"}
	}
	return min(size, maxPage), nil
}

// cut takes the page that begins at the name start; the marker of the next page is the name that it begins with.
func cut[T any](all []T, start string, limit int, nameOf func(T) string) ([]T, string) {
	from, _ := slices.BinarySearchFunc(all, start, func(one T, name string) int {
		return strings.Compare(nameOf(one), name)
	})
	all = all[from:]
	if len(all) <= limit {
		return all, ""
	}
	return all[:limit], base64.URLEncoding.EncodeToString([]byte(nameOf(all[limit])))
}

func items(page []world.Blob, withMetadata bool) []blobItem {
	list := make([]blobItem, 0, len(page))
	for _, b := range page {
		item := blobItem{Name: b.Name, Properties: itemProperties{
			Created:  b.Created.UTC().Format(http.TimeFormat),
			Modified: b.Modified.UTC().Format(http.TimeFormat),
			// In a listing the service shows ETags without their quotes.
			ETag:          strings.Trim(b.ETag, `"`),
			Size:          b.Size,
			ContentType:   b.ContentType,
			BlobType:      "BlockBlob",
			AccessTier:    "Hot",
			TierInferred:  true,
			LeaseStatus:   "unlocked",
			LeaseState:    "available",
			ServerEncrypt: true,
		}}
		if withMetadata {
			item.Metadata = metadataItems(b.Metadata)
		}
		list = append(list, item)
	}
	return list
}

func metadataItems(metadata map[string]string) *itemMetadata {
	entries := &itemMetadata{}
	for name, value := range metadata {
		entries.Entries = append(entries.Entries, metadataEntry{XMLName: xml.Name{Local: name}, Value: value})
	}
	slices.SortFunc(entries.Entries, func(a, b metadataEntry) int {
		return strings.Compare(a.XMLName.Local, b.XMLName.Local)
	})
	return entries
}
