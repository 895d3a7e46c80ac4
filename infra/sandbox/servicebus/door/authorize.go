package door

import (
	"errors"
	"net/url"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/servicebus"
)

// Token types of put-token.
const (
	tokenTypeJWT = "jwt"
	tokenTypeSAS = "servicebus.windows.net:sastoken"
)

// claim is what a connection may do: a token to ask about, or, once a shared access signature is accepted, everything.
type claim struct {
	token  string
	shared bool
}

// putToken checks a token that the peer put for an audience, and keeps it.
func (c *connection) putToken(kind, audience, token string) error {
	entity := servicebus.BaseEntity(servicebus.CleanPath(audience))
	switch kind {
	case tokenTypeJWT:
		if err := c.checkJWT(token, entity); err != nil {
			return err
		}
		c.claims[entity] = claim{token: token}
		return nil
	case tokenTypeSAS:
		granted, err := c.sharedAccess(sasKeyName(token), token)
		if err != nil {
			return err
		}
		c.claims[entity] = granted
		return nil
	}
	return &servicebus.Error{Condition: servicebus.ConditionUnauthorizedAccess,
		Description: "UnsupportedTokenType: The token type '" + kind + "' is not supported."}
}

// checkJWT refuses a bad token. One without any right is fine here; attaching a link will fail.
func (c *connection) checkJWT(token, entity string) error {
	authorize := c.b.Options().Authorize
	if authorize == nil {
		return nil
	}
	for _, right := range []string{servicebus.RightSend, servicebus.RightListen} {
		if err := authorize(token, entity, right); errors.Is(err, servicebus.ErrInvalidToken) {
			return &servicebus.Error{Condition: servicebus.ConditionUnauthorizedAccess, Description: "InvalidToken: " +
				err.Error()}
		}
	}
	return nil
}

// sharedAccess judges a shared access signature or key.
func (c *connection) sharedAccess(keyName, secret string) (claim, error) {
	if c.secure {
		return claim{}, &servicebus.Error{Condition: servicebus.ConditionUnauthorizedAccess,
			Description: "LocalAuthDisabled: Authorization failed because SAS " +
				"authentication has been disabled for the namespace."}
	}
	if c.b.Options().AuthorizeSAS != nil {
		if err := c.b.Options().AuthorizeSAS(keyName, secret); err != nil {
			return claim{}, &servicebus.Error{Condition: servicebus.ConditionUnauthorizedAccess,
				Description: "InvalidSignature: " + err.Error()}
		}
	}
	return claim{shared: true}, nil
}

// sasKeyName reads skn of "SharedAccessSignature sr=…&sig=…&se=…&skn=…".
func sasKeyName(token string) string {
	_, query, _ := strings.Cut(token, " ")
	values, err := url.ParseQuery(query)
	if err != nil {
		return ""
	}
	return values.Get("skn")
}

// allow reports whether the connection has the right on the entity path, by a token put for it or for what it is part
// of.
func (c *connection) allow(path, right string) error {
	entity := servicebus.BaseEntity(path)
	denied := &servicebus.Error{Condition: servicebus.ConditionUnauthorizedAccess,
		Description: "Unauthorized access. '" + right + "' claim(s) are required to " +
			"perform this operation. Resource: '" + entity + "'."}
	for scope := entity; ; scope = parent(scope) {
		if granted, ok := c.claims[scope]; ok {
			if granted.shared || c.b.Options().Authorize == nil || c.b.Options().Authorize(granted.token, entity,
				right) == nil {
				return nil
			}
			return denied
		}
		if scope == "" {
			return denied
		}
	}
}

func parent(path string) string {
	i := strings.LastIndex(path, "/")
	return path[:max(i, 0)]
}
