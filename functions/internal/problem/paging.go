package problem

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// maxReads bounds how many parts of the list one request reads where a filter leaves little of each.
const maxReads = 10

// Paging is what every list takes: which page of it is wanted.
type Paging struct {
	PageSize int    `query:"pageSize" minimum:"1" maximum:"1000" default:"100"`
	Token    string `query:"continuationToken" doc:"From nextLink"`
}

// LongTags are the ends of tags that are too long for a line.
func (Paging) LongTags() map[string]string {
	return map[string]string{
		"PageSize": `doc:"At most so many; a page may hold fewer, even none, and still have a nextLink"`,
	}
}

// Fill reads a list, part by part, until the page is full, and returns the token of the next page; empty on the last
// one. read reads at most limit entries behind a token, keeps those that the caller asks for, and returns how many
// those are.
func (p Paging) Fill(ctx context.Context,
	read func(ctx context.Context, token string, limit int) (kept int, next string, err error)) (string, error) {
	token, err := base64.RawURLEncoding.DecodeString(p.Token)
	if err != nil {
		return "", foreignToken()
	}
	next, missing := string(token), p.PageSize
	for range maxReads {
		// Asking for what is still missing, never more, keeps the token at the page's end.
		kept, following, err := read(ctx, next, missing)
		if errors.Is(err, integration.ErrInvalidToken) {
			return "", foreignToken()
		}
		if err != nil {
			return "", err
		}
		next, missing = following, missing-kept
		if next == "" || missing <= 0 {
			break
		}
	}
	return next, nil
}

// Link is the link to the page that begins at a token; empty where there is none. address is that of the list, and
// filters are the query of this request, its paging aside.
func (p Paging) Link(address string, filters url.Values, next string) string {
	if next == "" {
		return ""
	}
	filters.Set("pageSize", strconv.Itoa(p.PageSize))
	filters.Set("continuationToken", base64.RawURLEncoding.EncodeToString([]byte(next)))
	return address + "?" + filters.Encode()
}

func foreignToken() *Problem {
	return New(http.StatusBadRequest, diagnosis.CodeInvalidContinuationToken,
		"The continuation token was not made here.")
}
