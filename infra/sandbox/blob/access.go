package blob

import (
	"errors"
	"net/http"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/condition"
)

// right is one thing that a role can grant.
type right string

const (
	containersProvider = "Microsoft.Storage/storageAccounts/blobServices/containers"

	containersRead   right = containersProvider + "/read"
	containersWrite  right = containersProvider + "/write"
	containersDelete right = containersProvider + "/delete"
	blobsRead        right = containersProvider + "/blobs/read"
	blobsWrite       right = containersProvider + "/blobs/write"
	blobsAdd         right = containersProvider + "/blobs/add/action"
	blobsDelete      right = containersProvider + "/blobs/delete"
)

// isData tells a data action from an action of the control plane: what concerns blobs is data, what concerns their
// container is not.
func (r right) isData() bool { return strings.HasPrefix(string(r), containersProvider+"/blobs/") }

// isAllowed tells whether the principal's role assignments give it any of the rights on the container, or on the
// account where the request is for that.
func (s *Service) isAllowed(principal entra.Principal, r request, rights []right) bool {
	scope := r.account.ResourceID
	if r.container != "" {
		scope += "/blobServices/default/containers/" + r.container
	}
	access := condition.Access{Request: condition.Attributes{}, Resource: s.attributes(r)}
	if query := r.URL.Query(); r.blob == "" && query.Get("comp") == "list" {
		access.SubOperation = "Blob.List"
		access.Request[containersProvider+"/blobs:prefix"] = query["prefix"]
	}
	for _, wanted := range rights {
		access.Action = string(wanted)
		if s.world.IsAllowedUnder(principal.ID, access, scope, wanted.isData()) {
			return true
		}
	}
	return false
}

// attributes are what a condition can ask of the container and the blob. A blob that is not there has a path and no
// tags, so a condition refuses before anybody learns that it is not there.
// Source: https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-attributes.
func (s *Service) attributes(r request) condition.Attributes {
	given := condition.Attributes{containersProvider + ":name": {r.container}}
	if r.blob == "" {
		return given
	}
	given[containersProvider+"/blobs:path"] = []string{r.blob}
	if blob, err := s.world.ReadBlob(r.account.Name, r.container, r.blob); err == nil {
		for key, value := range blob.Tags {
			given[containersProvider+"/blobs/tags:"+key+condition.CaseSensitive] = []string{value}
		}
	}
	return given
}

// authenticate finds out who asks. An account accepts tokens of its own tenant only, for storage as a whole or for
// itself; keys and shared access signatures are switched off.
func (s *Service) authenticate(w http.ResponseWriter, r request) (entra.Principal, error) {
	header := r.Header.Get("Authorization")
	switch {
	case strings.HasPrefix(header, "SharedKey") || r.URL.Query().Has("sig"):
		return entra.Principal{}, keyNotPermitted()
	case header == "":
		s.challenge(w, r)
		return entra.Principal{}, noAuthentication()
	case !strings.HasPrefix(strings.ToLower(header), "bearer"):
		return entra.Principal{}, badAuthorizationHeader()
	}
	principal, err := s.authority.VerifyRequest(r.Request, entra.ResourceStorage)
	if err != nil {
		s.challenge(w, r)
		return entra.Principal{}, refusalOfToken(err)
	}
	if !strings.EqualFold(principal.TenantID, s.tenantOf(r)) {
		s.challenge(w, r)
		return entra.Principal{}, badToken("Issuer validation failed. Issuer did not match.")
	}
	if isForOtherAccount(principal.Audience, r) {
		s.challenge(w, r)
		return entra.Principal{}, badToken("Audience validation failed. Audience did not match.")
	}
	return principal, nil
}

// challenge names the tenant whose tokens the account accepts.
func (s *Service) challenge(w http.ResponseWriter, r request) {
	w.Header().Set("WWW-Authenticate", "Bearer authorization_uri=https://login.microsoftonline.com/"+s.tenantOf(r)+
		"/oauth2/authorize resource_id="+entra.ResourceStorage)
}

// tenantOf is the tenant of the subscription that holds the account.
func (s *Service) tenantOf(r request) string {
	parts := strings.Split(r.account.ResourceID, "/")
	if len(parts) < 3 {
		return ""
	}
	subscription, _ := s.world.Subscription(parts[2])
	return subscription.TenantID
}

// isForOtherAccount tells whether the token was issued for the URL of one account, but not of this one.
func isForOtherAccount(audience string, r request) bool {
	host, ok := strings.CutPrefix(strings.ToLower(strings.TrimSuffix(audience, "/")), "https://")
	return ok && strings.HasSuffix(host, Suffix) && host != strings.ToLower(r.account.Name)+Suffix
}

func refusalOfToken(err error) error {
	var refused *entra.TokenError
	if !errors.As(err, &refused) {
		return err
	}
	switch refused.Reason {
	case entra.ReasonMissing:
		return noAuthentication()
	case entra.ReasonIssuer:
		return badToken("Issuer validation failed. Issuer did not match.")
	case entra.ReasonAudience:
		return badToken("Audience validation failed. Audience did not match.")
	case entra.ReasonLifetime:
		return badToken("Lifetime validation failed. The token is expired.")
	case entra.ReasonSignature:
		return badToken("Signature validation failed.")
	default:
		return badToken("Unable to parse the token.")
	}
}
