package world

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBlobs(t *testing.T) {
	w, c := newSeeded(t)
	first, err := w.WriteBlob(DataAccount, "images", Blob{Name: "a/b", Content: []byte("one"),
		ContentType: "text/plain"})
	require.NoError(t, err)
	c.advance(time.Second)
	second, err := w.WriteBlob(DataAccountID, "images", Blob{Name: "a/b", Content: []byte("three")})
	require.NoError(t, err)
	assert.NotEqual(t, first.ETag, second.ETag)
	assert.Equal(t, first.Created, second.Created)
	assert.Equal(t, first.Modified.Add(time.Second), second.Modified)
	assert.Equal(t, 5, second.Size)

	_, err = w.WriteBlob(DataAccount, "images", Blob{Name: "a/a"})
	require.NoError(t, err)
	_, err = w.WriteBlob(DataAccount, "images", Blob{Name: "b"})
	require.NoError(t, err)
	listed, err := w.Blobs(DataAccount, "images", "a/")
	require.NoError(t, err)
	require.Len(t, listed, 2)
	assert.Equal(t, "a/a", listed[0].Name, "in the order of the names")
	assert.Nil(t, listed[1].Content, "a list has no content")

	require.NoError(t, w.DeleteBlob(DataAccount, "images", "a/b"))
	require.ErrorIs(t, w.DeleteBlob(DataAccount, "images", "a/b"), ErrBlobNotFound)
	_, err = w.ReadBlob(DataAccount, "images", "a/b")
	require.ErrorIs(t, err, ErrBlobNotFound)
	_, err = w.ReadBlob(DataAccount, "nope", "a/b")
	require.ErrorIs(t, err, ErrContainerNotFound)
	_, err = w.ReadBlob("nope", "images", "a/b")
	require.ErrorIs(t, err, ErrAccountNotFound)
}

func TestUpdateBlobSeesTheContainerAndChangesNothingOnError(t *testing.T) {
	w, _ := newSeeded(t)
	refused := errors.New("immutable")
	_, err := w.UpdateBlob(DataAccount, "archive", "x", func(c Container, current *Blob) (*Blob, error) {
		assert.True(t, c.Immutable)
		assert.Nil(t, current)
		return nil, refused
	})
	require.ErrorIs(t, err, refused)
	_, err = w.WriteBlob(DataAccount, "images", Blob{Name: "x", Content: []byte("kept")})
	require.NoError(t, err)
	_, err = w.UpdateBlob(DataAccount, "images", "x", func(_ Container, current *Blob) (*Blob, error) {
		current.Content[0] = 'X'
		return nil, refused
	})
	require.ErrorIs(t, err, refused)
	got, err := w.ReadBlob(DataAccount, "images", "x")
	require.NoError(t, err)
	assert.Equal(t, "kept", string(got.Content))
}

func TestCreateIfAbsentHasOneWinner(t *testing.T) {
	w, _ := newSeeded(t)
	exists := errors.New("exists")
	var mu sync.Mutex
	var all sync.WaitGroup
	won := 0
	for i := range 32 {
		all.Go(func() {
			_, err := w.UpdateBlob(DataAccount, "images", "x", func(_ Container, current *Blob) (*Blob, error) {
				if current != nil {
					return nil, exists
				}
				return &Blob{Content: fmt.Append(nil, i)}, nil
			})
			if err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	assert.Equal(t, 1, won)
}

func TestContainers(t *testing.T) {
	w, _ := newSeeded(t)
	made, err := w.CreateContainer(DataAccount, "new")
	require.NoError(t, err)
	assert.NotEmpty(t, made.ETag)
	_, err = w.CreateContainer(DataAccount, "new")
	require.ErrorIs(t, err, ErrExists)
	_, err = w.CreateContainer("nope", "new")
	require.ErrorIs(t, err, ErrAccountNotFound)
	require.NoError(t, w.DeleteContainer(DataAccount, "new"))
	require.ErrorIs(t, w.DeleteContainer(DataAccount, "new"), ErrContainerNotFound)
}

// TestDirectoriesOfAHierarchicalNamespace come with a blob below them, stay when it goes, and go while they are empty.
func TestDirectoriesOfAHierarchicalNamespace(t *testing.T) {
	w := New(nil)
	Seed(w)
	names := func() []string {
		found, err := w.Blobs(DataAccount, "images", "")
		require.NoError(t, err)
		all := []string{}
		for _, b := range found {
			all = append(all, b.Name)
		}
		return all
	}
	_, err := w.WriteBlob(DataAccount, "images", Blob{Name: "flat/blob"})
	require.NoError(t, err)
	require.NotContains(t, names(), "flat")
	require.NoError(t, w.DeleteBlob(DataAccount, "images", "flat/blob"))

	account, _ := w.StorageAccount(DataAccount)
	account.HierarchicalNamespace = true
	w.PutStorageAccount(account)
	_, err = w.WriteBlob(DataAccount, "images", Blob{Name: "a/b/c"})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "a/b", "a/b/c"}, names())
	directory, err := w.ReadBlob(DataAccount, "images", "a/b")
	require.NoError(t, err)
	require.True(t, directory.IsDirectory())
	require.ErrorIs(t, w.DeleteBlob(DataAccount, "images", "a"), ErrDirectoryNotEmpty)
	require.NoError(t, w.DeleteBlob(DataAccount, "images", "a/b/c"))
	require.Equal(t, []string{"a", "a/b"}, names())
	require.NoError(t, w.DeleteBlob(DataAccount, "images", "a/b"))
	require.NoError(t, w.DeleteBlob(DataAccount, "images", "a"))
	require.Empty(t, names())
}
