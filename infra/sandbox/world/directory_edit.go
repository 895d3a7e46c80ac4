package world

import (
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/strictjson"
)

func (d *Directory) editApplication(id string, body []byte) error {
	var a Application
	if err := part.DecodeObject(body, &a, id, &a.ID); err != nil {
		return err
	}
	if old, ok := d.AppRegistrations.get(id); ok {
		if a.AppID == "" {
			a.AppID = old.AppID
		}
		if a.CreatedDateTime.IsZero() {
			a.CreatedDateTime = old.CreatedDateTime
		}
	}
	if d.isNameTaken(a.UniqueName, id) {
		return ErrUniqueNameTaken
	}
	if d.AppRegistrations.isAppIDTaken(a.AppID, id) {
		return ErrExists
	}
	if _, binned := d.state.binned.Get(id); binned {
		return ErrExists
	}
	a.DeletedDateTime = nil
	d.AppRegistrations.put(d.AppRegistrations.complete(a))
	return nil
}

func (d *Directory) editPrincipal(id string, body []byte) error {
	var sp ServicePrincipal
	if err := part.DecodeObject(body, &sp, id, &sp.ID); err != nil {
		return err
	}
	if old, ok := d.Principals.get(id); ok {
		if sp.AppID == "" {
			sp.AppID = old.AppID
		}
		if sp.CreatedDateTime.IsZero() {
			sp.CreatedDateTime = old.CreatedDateTime
		}
	}
	if err := part.Required("appId", sp.AppID); err != nil {
		return err
	}
	if d.Principals.isAppIDTaken(sp.AppID, id) {
		return ErrExists
	}
	if _, binned := d.state.binned.Get(id); binned {
		return ErrExists
	}
	app, _ := d.AppRegistrations.byAppID(sp.AppID)
	sp.DeletedDateTime = nil
	d.Principals.put(d.Principals.complete(sp, app))
	return nil
}

func (d *Directory) editDeletedItem(id string, body []byte) error {
	var item DeletedItem
	if err := part.DecodeObject(body, &item, id, &item.ID); err != nil {
		return err
	}
	if d.AppRegistrations.isLive(id) || d.Principals.isLive(id) {
		return ErrExists
	}
	now := d.Now()
	switch {
	case (item.Application == nil) == (item.ServicePrincipal == nil):
		return &strictjson.Error{Detail: "exactly one of application and servicePrincipal is required"}
	case item.Application != nil:
		a := d.AppRegistrations.complete(*item.Application)
		if d.isNameTaken(a.UniqueName, id) {
			return ErrUniqueNameTaken
		}
		a.ID, item.Type, item.Application = item.ID, TypeApplication, &a
		d.holdName(a)
		if a.DeletedDateTime == nil {
			a.DeletedDateTime = &now
		}
	default:
		sp := d.Principals.complete(*item.ServicePrincipal, Application{})
		sp.ID, item.Type, item.ServicePrincipal = item.ID, TypeServicePrincipal, &sp
		if sp.DeletedDateTime == nil {
			sp.DeletedDateTime = &now
		}
	}
	d.state.binned.Put(id, item)
	return nil
}
