package functions

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/blobstore"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/blob"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/entra"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/rbac"
)

// TestNewWiresProductionWithoutTheNetwork: a managed identity and clients for each cloud, nothing sent, nothing left.
func TestNewWiresProductionWithoutTheNetwork(t *testing.T) {
	// azidentity itself reads these two.
	t.Setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/token")
	t.Setenv("IDENTITY_HEADER", "header")
	for name, changes := range map[string]map[string]string{
		"public": nil, "usgov": {"AZURE_CLOUD": "usgov"}, "china": {"AZURE_CLOUD": "china"},
		"user-assigned identity": {"AZURE_CLIENT_ID": "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"},
		"connection string": {"ServiceBusConnection__fullyQualifiedNamespace": "",
			"ServiceBusConnection": "Endpoint=sb://wif.servicebus.windows.net/;SharedAccessKeyName=app;SharedAccessKey=cGxhbnRlZA=="},
		"token source": {"DDOE_SUBJECT_TOKEN_URL": "https://gate.dataloop.ai/tokens", "DDOE_API_KEY": planted},
	} {
		t.Run(name, func(t *testing.T) {
			all := map[string]string{"IDENTITY_ENDPOINT": "http://127.0.0.1:1/token"}
			for k, v := range changes {
				all[k] = v
			}
			cfg, err := ConfigFromEnvironment(settings(all))
			require.NoError(t, err)
			a, err := New(t.Context(), cfg, discard())
			require.NoError(t, err)
			assert.Len(t, a.Functions, len(functionFiles(t, ".")))
			require.NoError(t, a.Close(t.Context()))
		})
	}
}

func TestWarmUpIsNeverFatal(t *testing.T) {
	var log bytes.Buffer
	warmed := make(chan string, 2)
	p := foundation{warm: []func(context.Context) error{
		func(context.Context) error { warmed <- "failed"; return errors.New("amqp: refused") },
		func(context.Context) error { warmed <- "done"; return nil },
	}}
	tenant := func(context.Context) (string, error) { return "tenant", nil }
	p.warmUp(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)), tenant)
	assert.Len(t, warmed, 2, "it returns when all is done")
	assert.Contains(t, log.String(), "amqp: refused")
	assert.Contains(t, log.String(), `"level":"WARN"`)
}

func TestWarmUpEndsQuietlyWithItsContext(t *testing.T) {
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	ended := false
	p := foundation{warm: []func(context.Context) error{func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		ended = true
		return ctx.Err()
	}}}
	learnt := false
	p.warmUp(ctx, slog.New(slog.NewJSONHandler(&log, nil)), func(ctx context.Context) (string, error) {
		<-ctx.Done()
		learnt = true
		return "", ctx.Err()
	})
	assert.True(t, ended && learnt, "it waits for what it has begun")
	assert.Empty(t, log.String(), "a stop is no failure")
}

// TestTheContainerIsMadeOnFirstUse: nothing depends on warm-up having come first.
func TestTheContainerIsMadeOnFirstUse(t *testing.T) {
	uses := map[string]func(ctx context.Context, s integration.Store) error{
		"read": func(ctx context.Context, s integration.Store) error {
			_, err := s.Get(ctx, "operations/x.json")
			if errors.Is(err, integration.ErrNotFound) {
				return nil
			}
			return errors.Join(errors.New("there is nothing to be read"), err)
		},
		"write": func(ctx context.Context, s integration.Store) error {
			etag, err := s.Put(ctx, "operations/x.json", []byte("{}"), "")
			if err != nil {
				return err
			}
			kept, err := s.Get(ctx, "operations/x.json")
			if err == nil && (string(kept.Body) != "{}" || kept.ETag != etag) {
				return errors.New("the first write of a deployment is lost")
			}
			return err
		},
		"list": func(ctx context.Context, s integration.Store) error {
			if _, _, err := s.List(ctx, "operations/", "", 10); err != nil {
				return err
			}
			for _, key := range []string{"operations/a", "operations/b"} {
				if _, err := s.Put(ctx, key, []byte("{}"), ""); err != nil {
					return err
				}
			}
			records, next, err := s.List(ctx, "operations/", "", 1)
			if err == nil && (len(records) != 1 || next == "") {
				return errors.New("what is there is not listed")
			}
			return err
		},
	}
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			w := world.New(nil)
			world.Seed(w)
			// An account of its own, without the container that a deployment brings along.
			const id = world.DataResourceGroupID + "/providers/Microsoft.Storage/storageAccounts/fresh"
			const contributor = "/subscriptions/" + world.SubscriptionID +
				"/providers/Microsoft.Authorization/roleDefinitions/ba92f5b4-2d11-453d-a403-e96b0029c9fe"
			const assignment = "0b1f6e0e-7f0c-4f7e-9d59-6d9c9f1c2a10"
			w.PutStorageAccount(world.StorageAccount{ResourceID: id, Name: "fresh", Location: world.Location})
			_, _, err := w.PutRoleAssignment(rbac.RoleAssignment{ID: rbac.RoleAssignmentID(id, assignment),
				Name: assignment, Scope: id,
				PrincipalID: world.AppPrincipalID, PrincipalType: "ServicePrincipal", RoleDefinitionID: contributor})
			require.NoError(t, err)
			authority, err := entra.NewAuthority(w)
			require.NoError(t, err)
			net := network{"*.blob.core.windows.net": blob.New(w, authority)}
			store, err := blobstore.New("https://fresh.blob.core.windows.net", identity{authority: authority},
				azcore.ClientOptions{Transport: &http.Client{Transport: net}})
			require.NoError(t, err)
			require.NoError(t, use(t.Context(), containerMaker{store}))
		})
	}
}
