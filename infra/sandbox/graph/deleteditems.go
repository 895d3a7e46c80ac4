package graph

import (
	"errors"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// deletedItems answers requests for the recycle bin.
type deletedItems struct{ *call }

// route serves directory/deletedItems/{type}, …/{id} and …/{id}/restore.
func (c deletedItems) route() (answer, error) {
	object, rest, isSet := objectOf(c.path[1:])
	if isSet {
		// Graph lists the recycle bin by type only.
		return answer{}, badRequest("The resource type must be given: " +
			"/directory/deletedItems/microsoft.graph.application.")
	}
	if itemType, isCast := castOf(object.key); isCast && len(rest) == 0 {
		return c.byMethod(map[string]func() (answer, error){"GET": func() (answer, error) { return c.list(itemType) }})
	}
	switch {
	case len(rest) == 0:
		return c.byMethod(map[string]func() (answer, error){
			"GET":    func() (answer, error) { return c.get(object.key) },
			"DELETE": func() (answer, error) { return c.purge(object.key) },
		})
	case len(rest) == 1 && strings.EqualFold(rest[0].name, "restore"):
		return c.byMethod(map[string]func() (answer, error){"POST": func() (answer, error) {
			return c.restore(object.key)
		}})
	}
	return answer{}, unknownSegment(rest[len(rest)-1].name)
}

// castOf reads a type-cast segment, in its long or its short form.
func castOf(name string) (string, bool) {
	for _, t := range []string{world.TypeApplication, world.TypeServicePrincipal} {
		if strings.EqualFold(name, t) || strings.EqualFold(name, strings.TrimPrefix(t, "microsoft.")) {
			return t, true
		}
	}
	return "", false
}

func (c deletedItems) list(itemType string) (answer, error) {
	if err := c.mayReadAll(); err != nil {
		return answer{}, err
	}
	k := applicationKind()
	if itemType == world.TypeServicePrincipal {
		k = principalKind()
	}
	all := []entity{}
	for _, item := range c.world.DeletedItems() {
		if item.Type == itemType {
			all = append(all, c.untypedEntity(item))
		}
	}
	return c.page(k, all)
}

func (c deletedItems) get(id string) (answer, error) {
	if err := c.mayReadAll(); err != nil {
		return answer{}, err
	}
	item, ok := c.world.DeletedItem(id)
	if !ok {
		return answer{}, notFound(id)
	}
	return c.one(kind{set: "directoryObjects", typeName: "directoryObject"}, c.typedEntity(item))
}

func (c deletedItems) restore(id string) (answer, error) {
	if err := c.mayCreate(); err != nil {
		return answer{}, err
	}
	if _, ok := c.world.DeletedItem(id); !ok {
		return answer{}, notFound(id)
	}
	if err := c.mayWrite(id); err != nil {
		return answer{}, err
	}
	item, err := c.world.RestoreDeletedItem(id)
	switch {
	case errors.Is(err, world.ErrNotFound):
		return answer{}, notFound(id)
	case errors.Is(err, world.ErrNoBackingApplication):
		return answer{}, noBackingApplication(c.appIDOf(id))
	case errors.Is(err, world.ErrExists):
		return answer{}, principalExists(c.appIDOf(id))
	case err != nil:
		return answer{}, err
	}
	return c.one(kind{set: "directoryObjects", typeName: "directoryObject"}, c.typedEntity(item))
}

func (c deletedItems) appIDOf(deletedID string) string {
	item, ok := c.world.DeletedItem(deletedID)
	if !ok || item.ServicePrincipal == nil {
		return deletedID
	}
	return item.ServicePrincipal.AppID
}

func (c deletedItems) purge(id string) (answer, error) {
	if err := c.mayCreate(); err != nil {
		return answer{}, err
	}
	if _, ok := c.world.DeletedItem(id); !ok {
		return answer{}, notFound(id)
	}
	if err := c.mayWrite(id); err != nil {
		return answer{}, err
	}
	if err := c.world.PurgeDeletedItem(id); err != nil {
		return answer{}, notFound(id)
	}
	return noContent(), nil
}

func (c deletedItems) untypedEntity(item world.DeletedItem) entity {
	if item.Application != nil {
		return c.applicationEntity(*item.Application)
	}
	return c.principalEntity(*item.ServicePrincipal)
}

func (c deletedItems) typedEntity(item world.DeletedItem) entity {
	e := c.untypedEntity(item)
	e["@odata.type"] = "#" + item.Type
	return e
}
