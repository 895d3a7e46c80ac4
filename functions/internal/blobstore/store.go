// Package blobstore keeps integration.Store's records as JSON blobs in one container, with ETag conditions: of any
// number of concurrent writers with the same precondition the service lets exactly one win. It caches nothing, so any
// number of instances may share the container.
package blobstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/google/uuid"

	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

const (
	// Container is the container that holds all records.
	Container = "wif-state"
	// MaxBody is the size, in bytes, up to which a record is written and read.
	MaxBody = 4 << 20
)

// ErrTooLarge means that a record exceeds MaxBody.
var ErrTooLarge = errors.New("record too large")

// ErrInvalidKey means that a key is not a slash-separated path of `[a-z0-9A-Z._-]` segments.
var ErrInvalidKey = errors.New("invalid record key")

// Store is an integration.Store on Azure Blob Storage. It is safe for concurrent use.
type Store struct {
	container *container.Client
}

var _ integration.Store = (*Store)(nil)

// New returns the store in the container wif-state of the account with that blob service URL, such as
// https://acct.blob.core.windows.net. It sends nothing.
func New(serviceURL string, cred azcore.TokenCredential, opts azcore.ClientOptions) (*Store, error) {
	u, err := url.Parse(serviceURL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, errors.New("blobstore: the service URL is not a plain https URL")
	}
	if cred == nil {
		return nil, errors.New("blobstore: credential missing")
	}
	opts.PerRetryPolicies = append([]policy.Policy{countAttempts{}}, opts.PerRetryPolicies...)
	client, err := azure.BlobContainer(u.JoinPath(Container).String(), cred, opts)
	if err != nil {
		return nil, fmt.Errorf("blobstore: %w", err)
	}
	return &Store{container: client}, nil
}

// EnsureContainer makes the container if it is missing.
func (s *Store) EnsureContainer(ctx context.Context) error {
	_, err := s.container.Create(ctx, nil)
	if err == nil || bloberror.HasCode(err, bloberror.ContainerAlreadyExists) {
		return nil
	}
	return wrap("create container", Container, err)
}

// Get implements integration.Store. What is larger than MaxBody is unreadable, and ErrTooLarge.
func (s *Store) Get(ctx context.Context, key string) (integration.Record, error) {
	if err := checkKey(key); err != nil {
		return integration.Record{}, err
	}
	resp, err := s.container.NewBlobClient(key).DownloadStream(ctx, nil)
	if err != nil {
		if bloberror.HasCode(err, bloberror.BlobNotFound) {
			return integration.Record{}, integration.ErrNotFound
		}
		return integration.Record{}, wrap("read", key, err)
	}
	// The reader resumes a broken download, of this version only.
	body := resp.NewRetryReader(ctx, nil)
	content, err := io.ReadAll(io.LimitReader(body, MaxBody+1))
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return integration.Record{}, wrap("read", key, err)
	}
	if len(content) > MaxBody {
		err := fmt.Errorf("%w: %w", integration.ErrUnreadable, ErrTooLarge)
		return integration.Record{}, fmt.Errorf("blobstore: read %s: %w", key, err)
	}
	return integration.Record{Key: key, Body: content, ETag: etagOf(resp.ETag)}, nil
}

// Put implements integration.Store. ErrTooLarge if body exceeds MaxBody.
func (s *Store) Put(ctx context.Context, key string, body []byte, ifMatch string) (string, error) {
	if err := checkKey(key); err != nil {
		return "", err
	}
	if len(body) > MaxBody {
		return "", fmt.Errorf("blobstore: write %s: %w", key, ErrTooLarge)
	}
	if ifMatch != "" && !isETag(ifMatch) {
		return "", integration.ErrConflict // no version has such an ETag, and "*" would match any
	}
	writeID := uuid.NewString()
	attempts := new(int)
	resp, err := s.container.NewBlockBlobClient(key).Upload(context.WithValue(ctx, attemptsKey{}, attempts),
		streaming.NopCloser(bytes.NewReader(body)), &blockblob.UploadOptions{
			HTTPHeaders:      &blob.HTTPHeaders{BlobContentType: new("application/json")},
			Metadata:         map[string]*string{metadataWriteID: &writeID},
			AccessConditions: precondition(ifMatch),
		})
	switch {
	case err == nil:
		return etagOf(resp.ETag), nil
	case !isConflict(err):
		return "", wrap("write", key, err)
	case *attempts > 1:
		return s.ownWrite(ctx, key, writeID)
	}
	return "", integration.ErrConflict
}

// ownWrite decides a conflict that a repeated attempt met: where the answer to an earlier attempt got lost, the
// version that is in the way is our own.
func (s *Store) ownWrite(ctx context.Context, key, writeID string) (string, error) {
	resp, err := s.container.NewBlobClient(key).GetProperties(ctx, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) {
		return "", integration.ErrConflict
	}
	if err != nil {
		return "", wrap("write", key, err)
	}
	for name, value := range resp.Metadata {
		if strings.EqualFold(name, metadataWriteID) && value != nil && *value == writeID {
			return etagOf(resp.ETag), nil
		}
	}
	return "", integration.ErrConflict
}

// Delete implements integration.Store.
func (s *Store) Delete(ctx context.Context, key, ifMatch string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	client := s.container.NewBlobClient(key)
	if isETag(ifMatch) {
		_, err := client.Delete(ctx, &blob.DeleteOptions{AccessConditions: precondition(ifMatch)})
		switch {
		case err == nil:
			return nil
		case bloberror.HasCode(err, bloberror.BlobNotFound):
			return integration.ErrNotFound
		case !isConflict(err):
			return wrap("delete", key, err)
		}
	}
	// A condition on an absent blob fails as a condition: only a read tells "gone" from "another version".
	_, err := client.GetProperties(ctx, nil)
	if bloberror.HasCode(err, bloberror.BlobNotFound) {
		return integration.ErrNotFound
	}
	if err != nil {
		return wrap("delete", key, err)
	}
	return integration.ErrConflict
}

// precondition is "must not exist" for an empty ETag, else "must be this version".
func precondition(ifMatch string) *blob.AccessConditions {
	conditions := &blob.ModifiedAccessConditions{}
	if ifMatch == "" {
		conditions.IfNoneMatch = new(azcore.ETagAny)
	} else {
		conditions.IfMatch = new(azcore.ETag(ifMatch))
	}
	return &blob.AccessConditions{ModifiedAccessConditions: conditions}
}

func isConflict(err error) bool {
	return bloberror.HasCode(err, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet,
		bloberror.TargetConditionNotMet)
}

var keyPattern = regexp.MustCompile(`^[a-zA-Z0-9._-]+(/[a-zA-Z0-9._-]+)*$`)

// checkKey keeps a key from meaning another blob: dot segments are resolved on the way, and the service allows 1,024
// characters.
func checkKey(key string) error {
	if len(key) > 1024 || !keyPattern.MatchString(key) {
		return fmt.Errorf("blobstore: %w", ErrInvalidKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "." || segment == ".." {
			return fmt.Errorf("blobstore: %w", ErrInvalidKey)
		}
	}
	return nil
}

// isETag reports whether s is one quoted strong ETag, the only form that the service gives.
func isETag(s string) bool {
	return len(s) > 2 && s[0] == '"' && strings.IndexByte(s[1:], '"') == len(s)-2 && !strings.ContainsAny(s, "\r\n")
}

func etagOf(tag *azcore.ETag) string {
	if tag == nil {
		return ""
	}
	return string(*tag)
}
