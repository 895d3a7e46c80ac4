package world

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// Errors of the storage part; each names which level is absent.
var (
	ErrAccountNotFound   = errors.New("world: storage account not found")
	ErrContainerNotFound = errors.New("world: container not found")
	ErrBlobNotFound      = errors.New("world: blob not found")
)

// account and container are the stored forms of StorageAccount and Container: maps in place of arrays.
type account struct {
	head       StorageAccount // Containers nil
	containers *part.Table[*container]
}

type container struct {
	head  Container // Blobs nil
	blobs map[string]*Blob
}

// Storage is what there is in Azure Storage: accounts, containers and blobs.
type Storage struct {
	*part.Base

	hierarchy *Hierarchy
	state     storageState
}

type storageState struct {
	accounts *part.Table[*account]
	byName   map[string]string // lower name → resource id
}

func newStorage(b *part.Base, hierarchy *Hierarchy) *Storage {
	return &Storage{Base: b, hierarchy: hierarchy,
		state: storageState{accounts: part.NewTable[*account](), byName: map[string]string{}}}
}

// StorageAccounts returns all storage accounts with their containers, but without blobs.
func (s *Storage) StorageAccounts() []StorageAccount {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	all := []StorageAccount{}
	for _, a := range s.state.accounts.All() {
		all = append(all, a.copy(false))
	}
	return all
}

// StorageAccount returns a storage account by its name or its resource id, with its containers but without blobs.
func (s *Storage) StorageAccount(nameOrID string) (StorageAccount, bool) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	a, ok := s.account(nameOrID)
	if !ok {
		return StorageAccount{}, false
	}
	return a.copy(false), true
}

// Container returns a container of an account (by name or resource id), without its blobs.
func (s *Storage) Container(accountName, name string) (Container, error) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	c, err := s.container(accountName, name)
	if err != nil {
		return Container{}, err
	}
	return c.head, nil
}

// CreateContainer adds an empty container. Errors: ErrAccountNotFound, ErrExists.
func (s *Storage) CreateContainer(accountName, name string) (Container, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	a, ok := s.account(accountName)
	if !ok {
		return Container{}, ErrAccountNotFound
	}
	if _, exists := a.containers.Get(name); exists {
		return Container{}, ErrExists
	}
	c := &container{head: Container{Name: name, ETag: s.NextETag(), Modified: s.Now()}, blobs: map[string]*Blob{}}
	a.containers.Put(name, c)
	return c.head, nil
}

// DeleteContainer removes a container and its blobs. Errors: ErrAccountNotFound, ErrContainerNotFound.
func (s *Storage) DeleteContainer(accountName, name string) error {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	if _, err := s.container(accountName, name); err != nil {
		return err
	}
	a, _ := s.account(accountName)
	a.containers.Delete(name)
	return nil
}

// Blobs returns the blobs of a container whose names begin with prefix, in the order of their names, without content.
func (s *Storage) Blobs(accountName, containerName, prefix string) ([]Blob, error) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	c, err := s.container(accountName, containerName)
	if err != nil {
		return nil, err
	}
	found := []Blob{}
	for name, b := range c.blobs {
		if strings.HasPrefix(name, prefix) {
			found = append(found, b.clone(false))
		}
	}
	slices.SortFunc(found, func(a, b Blob) int { return strings.Compare(a.Name, b.Name) })
	return found, nil
}

// ReadBlob returns a blob with its content.
func (s *Storage) ReadBlob(accountName, containerName, name string) (Blob, error) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	c, err := s.container(accountName, containerName)
	if err != nil {
		return Blob{}, err
	}
	b, ok := c.blobs[name]
	if !ok {
		return Blob{}, ErrBlobNotFound
	}
	return b.clone(true), nil
}

// WriteBlob creates or replaces a blob and returns it with its new ETag and times.
func (s *Storage) WriteBlob(accountName, containerName string, b Blob) (Blob, error) {
	return s.UpdateBlob(accountName, containerName, b.Name, func(Container, *Blob) (*Blob, error) { return &b, nil })
}

// DeleteBlob removes a blob; ErrBlobNotFound if it is absent.
func (s *Storage) DeleteBlob(accountName, containerName, name string) error {
	_, err := s.UpdateBlob(accountName, containerName, name, func(_ Container, current *Blob) (*Blob, error) {
		if current == nil {
			return nil, ErrBlobNotFound
		}
		return nil, nil
	})
	return err
}

// UpdateBlob is one atomic read-check-write: change sees the container (Immutable is for the caller to honour) and the
// present blob (nil if absent) and returns the blob that is to be there (nil deletes it). An error of change leaves
// all as it was and is returned. ETag, size and times are set here. change must not call the world.
func (s *Storage) UpdateBlob(
	accountName, containerName, name string, change func(Container, *Blob) (*Blob, error),
) (Blob, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	c, err := s.container(accountName, containerName)
	if err != nil {
		return Blob{}, err
	}
	var current *Blob
	old, exists := c.blobs[name]
	if exists {
		b := old.clone(true)
		current = &b
	}
	next, err := change(c.head, current)
	if err != nil {
		return Blob{}, err
	}
	if next == nil {
		delete(c.blobs, name)
		return Blob{}, nil
	}
	b := next.clone(true)
	b.Name, b.Size, b.ETag, b.Modified = name, len(b.Content), s.NextETag(), s.Now()
	b.Created = b.Modified
	if exists {
		b.Created = old.Created
	}
	c.blobs[name] = &b
	return b.clone(true), nil
}

func (s *Storage) account(nameOrID string) (*account, bool) {
	if id, ok := s.state.byName[part.Key(nameOrID)]; ok {
		nameOrID = id
	}
	return s.state.accounts.Get(nameOrID)
}

func (s *Storage) container(accountName, name string) (*container, error) {
	a, ok := s.account(accountName)
	if !ok {
		return nil, ErrAccountNotFound
	}
	c, ok := a.containers.Get(name)
	if !ok {
		return nil, ErrContainerNotFound
	}
	return c, nil
}

// PutStorageAccount adds or replaces an account with its containers and blobs, and its resource group if that is new.
// A blob without content keeps the content of the blob whose ETag it carries, else it is Size zero bytes.
func (s *Storage) PutStorageAccount(a StorageAccount) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.putAccount(a)
}

func (s *Storage) putAccount(a StorageAccount) {
	old, replaced := s.state.accounts.Get(a.ResourceID)
	if replaced {
		delete(s.state.byName, part.Key(old.head.Name))
	}
	next := &account{head: a, containers: part.NewTable[*container]()}
	next.head.Containers = nil
	for _, c := range a.Containers {
		if c != nil {
			next.containers.Put(c.Name, s.storedContainer(*c, old))
		}
	}
	s.state.accounts.Put(a.ResourceID, next)
	s.state.byName[part.Key(a.Name)] = a.ResourceID
	if group := resourceGroupOf(a.ResourceID); group != "" {
		s.hierarchy.addResourceGroup(group, a.Location)
	}
}

func (s *Storage) storedContainer(head Container, old *account) *container {
	c := &container{head: head, blobs: map[string]*Blob{}}
	c.head.Blobs = nil
	if c.head.ETag == "" {
		c.head.ETag = s.NextETag()
	}
	if c.head.Modified.IsZero() {
		c.head.Modified = s.Now()
	}
	for _, b := range head.Blobs {
		if b == nil {
			continue
		}
		stored := b.clone(true)
		if stored.Content == nil {
			stored.Content = keptContent(old, head.Name, stored)
		}
		stored.Size = len(stored.Content)
		if stored.ETag == "" {
			stored.ETag = s.NextETag()
		}
		if stored.Modified.IsZero() {
			stored.Created, stored.Modified = s.Now(), s.Now()
		}
		c.blobs[stored.Name] = &stored
	}
	return c
}

func keptContent(old *account, containerName string, b Blob) []byte {
	if old != nil {
		if c, ok := old.containers.Get(containerName); ok {
			if was, ok := c.blobs[b.Name]; ok && was.ETag == b.ETag {
				return bytes.Clone(was.Content)
			}
		}
	}
	return make([]byte, max(b.Size, 0))
}

func (s *Storage) addTo(snapshot *Snapshot) {
	snapshot.StorageAccounts = []StorageAccount{}
	for _, a := range s.state.accounts.All() {
		snapshot.StorageAccounts = append(snapshot.StorageAccounts, a.copy(true))
	}
}

func (s *Storage) editors() map[string]part.Editor {
	return map[string]part.Editor{"storageAccounts": {Put: s.editAccount, Remove: s.removeAccount}}
}

// copy returns the account as arrays, with or without the blobs (content is left out in any case).
func (a *account) copy(withBlobs bool) StorageAccount {
	out := a.head
	out.Containers = []*Container{}
	for _, c := range a.containers.All() {
		head := c.head
		head.Blobs = []*Blob{}
		if withBlobs {
			for _, name := range slices.Sorted(maps.Keys(c.blobs)) {
				b := c.blobs[name].clone(false)
				head.Blobs = append(head.Blobs, &b)
			}
		}
		out.Containers = append(out.Containers, &head)
	}
	return out
}

func (b Blob) clone(withContent bool) Blob {
	b.Metadata = maps.Clone(b.Metadata)
	if withContent {
		b.Content = bytes.Clone(b.Content)
	} else {
		b.Content = nil
	}
	return b
}
