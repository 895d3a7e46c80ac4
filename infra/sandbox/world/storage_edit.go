package world

import (
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

func (s *Storage) editAccount(id string, body []byte) error {
	var a StorageAccount
	if err := strictjson.Decode(body, &a); err != nil {
		return err
	}
	id = fullID(id)
	old, exists := s.account(id)
	switch {
	case a.ResourceID != "":
	case exists:
		a.ResourceID = old.head.ResourceID
	case strings.Contains(id, "/"):
		a.ResourceID = id
	default:
		a.ResourceID = DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/" + id
	}
	if a.Name == "" {
		a.Name = LastSegment(a.ResourceID)
	}
	if key(id) != key(a.Name) && key(id) != key(a.ResourceID) {
		return idMismatch("name", id)
	}
	if !strings.EqualFold(LastSegment(a.ResourceID), a.Name) {
		return &strictjson.Error{Pointer: "/resourceId", Member: "resourceId",
			Detail: "does not end in the account's name"}
	}
	if other, taken := s.account(a.Name); taken && key(other.head.ResourceID) != key(a.ResourceID) {
		return ErrExists
	}
	if a.Location == "" {
		a.Location = Location
	}
	s.putAccount(a)
	return nil
}

func (s *Storage) removeAccount(id string) error {
	a, ok := s.account(fullID(id))
	if !ok {
		return ErrNotFound
	}
	delete(s.state.byName, key(a.head.Name))
	s.state.accounts.delete(a.head.ResourceID)
	return nil
}
