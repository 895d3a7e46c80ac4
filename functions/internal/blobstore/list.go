package blobstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"golang.org/x/sync/errgroup"

	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// parallelReads bounds the downloads of one listing: a listing holds names, each content is a request.
const parallelReads = 16

// List implements integration.Store. A page may hold fewer records than limit, even none, and still have a next one.
func (s *Store) List(ctx context.Context, prefix, token string, limit int) ([]integration.Record, string, error) {
	keys, next, err := s.listKeys(ctx, prefix, token, limit)
	if err != nil {
		return nil, "", err
	}
	records := make([]integration.Record, len(keys))
	found := make([]bool, len(keys))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for i, key := range keys {
		group.Go(func() error {
			record, err := s.Get(groupCtx, key)
			switch {
			case errors.Is(err, integration.ErrNotFound), errors.Is(err, ErrInvalidKey):
				return nil // deleted since it was listed, or a blob that no record is called like
			case errors.Is(err, integration.ErrUnreadable):
				record, err = integration.Record{Key: key, Err: err}, nil
			}
			records[i], found[i] = record, true
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, "", err
	}
	present := records[:0]
	for i, record := range records {
		if found[i] {
			present = append(present, record)
		}
	}
	return present, next, nil
}

// listKeys reads one page of names, in order, and the token of the next page.
func (s *Store) listKeys(ctx context.Context, prefix, token string, limit int) ([]string, string, error) {
	options := &container.ListBlobsFlatOptions{MaxResults: new(int32(min(max(limit, 1), 1000)))}
	if prefix != "" {
		options.Prefix = &prefix
	}
	if token != "" {
		options.Marker = &token
	}
	page, err := s.container.NewListBlobsFlatPager(options).NextPage(ctx)
	if token != "" && bloberror.HasCode(err, bloberror.InvalidQueryParameterValue, bloberror.OutOfRangeInput) {
		return nil, "", fmt.Errorf("list %s: %w: %w", prefix, integration.ErrInvalidToken, wrap("list", prefix, err))
	}
	if err != nil {
		return nil, "", wrap("list", prefix, err)
	}
	var keys []string
	if page.Segment != nil {
		for _, item := range page.Segment.BlobItems {
			if item != nil && item.Name != nil {
				keys = append(keys, *item.Name)
			}
		}
	}
	if page.NextMarker == nil {
		return keys, "", nil
	}
	return keys, *page.NextMarker, nil
}
