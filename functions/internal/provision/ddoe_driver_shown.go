package provision

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	ddoe "github.com/ddoe-ai/azure-wif/functions/internal/oldddoe"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
)

// The members of a driver that are compared, as the spec calls them, or else the platform.
const (
	memberType            = "type"
	memberProject         = "projectId"
	memberIntegration     = "integrationId"
	memberIntegrationType = "integrationType"
	memberName            = "name"
	memberContainer       = "container"
	memberPath            = "path"
	memberExternalDelete  = "allowExternalDelete"
)

// comparison is one member of a driver beside what it is to be.
type comparison struct {
	member, expected string
	actual           *string // nil where it is not known: the platform's answers may leave members out
}

// differs reports whether the member is known to be something else.
func (c comparison) differs() bool { return c.actual != nil && *c.actual != c.expected }

// open reports whether the member is not known to be as it is to be.
func (c comparison) open() bool { return c.actual == nil || *c.actual != c.expected }

// compareDriver holds a driver against what it is to be, member by member.
func compareDriver(is ddoe.Driver, wanted ddoe.NewDriver) []comparison {
	return []comparison{
		{memberType, wanted.Type, said(is.Type)},
		{memberProject, strings.ToLower(wanted.ProjectID), shownAsText(said(is.ProjectID), strings.ToLower)}, // see sameID
		{memberIntegration, wanted.IntegrationID, said(is.IntegrationID)},
		{memberIntegrationType, wanted.IntegrationType, said(is.IntegrationType)},
		{memberName, wanted.Name, said(is.Name)},
		{memberContainer, wanted.ContainerName, is.ContainerName},
		{memberPath, folder(wanted.Path), shownAsText(is.Path, folder)},
		{memberExternalDelete, strconv.FormatBool(wanted.AllowExternalDelete), shownAsText(is.AllowExternalDelete, strconv.FormatBool)},
	}
}

func said(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func shownAsText[T any](v *T, text func(T) string) *string {
	if v == nil {
		return nil
	}
	shown := text(*v)
	return &shown
}

// folder is a path without the slashes around it, with which the platform may show it.
func folder(path string) string { return strings.Trim(path, "/") }

// driverDifferences are the members that are known to be something else than they are to be.
func driverDifferences(is ddoe.Driver, wanted ddoe.NewDriver) []comparison {
	return slices.DeleteFunc(compareDriver(is, wanted), func(c comparison) bool { return !c.differs() })
}

// anyOf reports whether one of the members is among the comparisons.
func anyOf(all []comparison, members ...string) bool {
	return slices.ContainsFunc(all, func(c comparison) bool { return slices.Contains(members, c.member) })
}

// samePlace reports whether two drivers are about the same place, as far as both say.
func samePlace(a, b ddoe.Driver) bool {
	agree := func(a, b *string) bool { return a == nil || b == nil || *a == *b }
	return agree(said(a.Type), said(b.Type)) && agree(a.ContainerName, b.ContainerName) &&
		agree(shownAsText(a.Path, folder), shownAsText(b.Path, folder))
}

// inWords lists comparisons for people.
func inWords(all []comparison) string {
	var words []string
	for _, c := range all {
		actual := "not shown"
		if c.actual != nil {
			actual = strconv.Quote(diagnosis.Printable(*c.actual))
		}
		words = append(words, fmt.Sprintf("%s is %s, not %q", c.member, actual, diagnosis.Printable(c.expected)))
	}
	return strings.Join(words, "; ")
}

// overlaid is a driver whose unsaid members are taken from another look at it.
func overlaid(is, other ddoe.Driver) ddoe.Driver {
	return ddoe.Driver{ID: cmp.Or(is.ID, other.ID), Name: cmp.Or(is.Name, other.Name), Type: cmp.Or(is.Type, other.Type),
		Creator: cmp.Or(is.Creator, other.Creator), ProjectID: cmp.Or(is.ProjectID, other.ProjectID),
		IntegrationID: cmp.Or(is.IntegrationID, other.IntegrationID), IntegrationType: cmp.Or(is.IntegrationType, other.IntegrationType),
		ContainerName: cmp.Or(is.ContainerName, other.ContainerName), Path: cmp.Or(is.Path, other.Path),
		AllowExternalDelete: cmp.Or(is.AllowExternalDelete, other.AllowExternalDelete)}
}

// sentDriver is what the platform was sent last, as it would show it; it says nothing where nothing was sent.
func sentDriver(st integration.DDOEStatus) ddoe.Driver {
	d := st.Driver
	if d == nil {
		return ddoe.Driver{}
	}
	return ddoe.Driver{Name: d.Name, Type: d.Type, ProjectID: d.ProjectID, IntegrationID: d.IntegrationID, IntegrationType: d.IntegrationType,
		ContainerName: d.Container, Path: d.Path, AllowExternalDelete: d.AllowExternalDelete}
}

// sending is what the document remembers of a driver that is sent.
func sending(n ddoe.NewDriver) *integration.DDOEDriver {
	return &integration.DDOEDriver{ProjectID: n.ProjectID, Name: n.Name, Type: n.Type, IntegrationID: n.IntegrationID, IntegrationType: n.IntegrationType,
		Container: &n.ContainerName, Path: &n.Path, AllowExternalDelete: &n.AllowExternalDelete}
}

// inDoubt is what the document remembers of a driver while members of it are being changed.
func inDoubt(d integration.DDOEDriver, changed []comparison) *integration.DDOEDriver {
	for _, c := range changed {
		switch c.member {
		case memberName:
			d.Name = ""
		case memberContainer:
			d.Container = nil
		case memberPath:
			d.Path = nil
		case memberExternalDelete:
			d.AllowExternalDelete = nil
		}
	}
	return &d
}
