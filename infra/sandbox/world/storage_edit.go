package world

import (
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

func (s *Storage) editAccount(id string, body []byte) error {
	var a StorageAccount
	if err := strictjson.Decode(body, &a); err != nil {
		return err
	}
	id = part.FullID(id)
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
		a.Name = part.LastSegment(a.ResourceID)
	}
	if part.Key(id) != part.Key(a.Name) && part.Key(id) != part.Key(a.ResourceID) {
		return part.IDMismatch("name", id)
	}
	if !strings.EqualFold(part.LastSegment(a.ResourceID), a.Name) {
		return &strictjson.Error{Pointer: "/resourceId", Member: "resourceId",
			Detail: "does not end in the account's name"}
	}
	if other, taken := s.account(a.Name); taken && part.Key(other.head.ResourceID) != part.Key(a.ResourceID) {
		return ErrExists
	}
	if a.Location == "" {
		a.Location = Location
	}
	s.putAccount(a)
	return nil
}

func (s *Storage) removeAccount(id string) error {
	a, ok := s.account(part.FullID(id))
	if !ok {
		return ErrNotFound
	}
	delete(s.state.byName, part.Key(a.head.Name))
	s.state.accounts.Delete(a.head.ResourceID)
	return nil
}
