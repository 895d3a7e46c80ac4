package functions

import (
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/door"
	"github.com/ddoe-ai/azure-wif/functions/openapi"
)

var update = flag.Bool("update", false, "rewrite docs/openapi.json")

// binding is what the tests read of a function.json.
type binding struct {
	Type              string   `json:"type"`
	Direction         string   `json:"direction"`
	Name              string   `json:"name"`
	AuthLevel         string   `json:"authLevel"`
	Methods           []string `json:"methods"`
	Route             string   `json:"route"`
	QueueName         string   `json:"queueName"`
	Connection        string   `json:"connection"`
	IsSessionsEnabled bool     `json:"isSessionsEnabled"`
	Schedule          string   `json:"schedule"`
	DataType          string   `json:"dataType"`
}

// functionFiles reads <root>/*/function.json by folder name.
func functionFiles(t *testing.T, root string) map[string][]binding {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "*", "function.json"))
	require.NoError(t, err)
	files := map[string][]binding{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		var f struct {
			Bindings []binding `json:"bindings"`
		}
		require.NoError(t, json.Unmarshal(raw, &f), path)
		files[filepath.Base(filepath.Dir(path))] = f.Bindings
	}
	return files
}

// listed returns the app's own list and its API document.
func listed(t *testing.T) ([]entry, huma.API) {
	t.Helper()
	cfg, err := ConfigFromEnvironment(settings(nil))
	require.NoError(t, err)
	uses, err := newUseCases(cfg, discard(), testFoundation(t))
	require.NoError(t, err)
	entries := list(cfg, uses)
	_, api := newAPI(cfg.PublicBaseURL, door.Door{}, door.NewLimiter(1000, time.Now), entries)
	return entries, api
}

func TestListAndFunctionFilesAgree(t *testing.T) {
	files := functionFiles(t, ".")
	entries, _ := listed(t)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name)
		bindings := files[e.Name]
		require.NotEmpty(t, bindings, "function %s has no function.json", e.Name)
		assert.Equal(t, string(e.Trigger), bindings[0].Type, e.Name)
		assert.Equal(t, e.Trigger == TriggerQueue, e.Message != nil, e.Name)
		assert.Equal(t, e.Trigger == TriggerTimer, e.Tick != nil, e.Name)
		assert.Equal(t, e.Trigger == TriggerHTTP && e.Name != preflight, e.register != nil, e.Name)
	}
	slices.Sort(names)
	assert.Equal(t, slices.Sorted(maps.Keys(files)), names)
}

func TestFunctionFilesKeepTheHostsRules(t *testing.T) {
	// Source: Azure/azure-functions-host, Utility.IsValidFunctionName and ScriptBindingContext.
	folder := regexp.MustCompile(`(?i)^[a-z][a-z0-9_-]{0,127}$`)
	name := regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*$`)
	for function, bindings := range functionFiles(t, ".") {
		t.Run(function, func(t *testing.T) {
			assert.Regexp(t, folder, function)
			for _, b := range bindings {
				assert.Regexp(t, name, b.Name)
			}
			switch trigger := bindings[0]; trigger.Type {
			case "httpTrigger":
				// Exactly this shape is proxied; any other is sent in an envelope.
				require.Len(t, bindings, 2)
				assert.Equal(t, "http", bindings[1].Type)
				assert.Equal(t, "out", bindings[1].Direction)
				level := "function"
				// They tell nothing about tenants.
				if slices.Contains([]string{"healthz", "errorpage", preflight}, function) {
					level = "anonymous"
				}
				assert.Equal(t, level, trigger.AuthLevel)
				assert.NotEmpty(t, trigger.Methods)
				assert.Equal(t, slices.Contains(trigger.Methods, "get"), slices.Contains(trigger.Methods, "head"),
					"what takes GET takes HEAD")
			case "serviceBusTrigger":
				require.Len(t, bindings, 1)
				assert.Equal(t, "ServiceBusConnection", trigger.Connection)
				assert.Equal(t, "binary", trigger.DataType)
				// Commands for one integration come one after the other. A dead-letter sub-queue has no sessions,
				// whatever its queue has.
				assert.Equal(t, trigger.QueueName == "wif-commands", trigger.IsSessionsEnabled)
			case "timerTrigger":
				require.Len(t, bindings, 1)
				assert.Len(t, strings.Fields(trigger.Schedule), 6)
			default:
				t.Errorf("unknown trigger %s", trigger.Type)
			}
		})
	}
}

// operationsOf lists the API document's operations as "METHOD /path".
func operationsOf(api huma.API) map[string]*huma.Operation {
	all := map[string]*huma.Operation{}
	for path, item := range api.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post,
			http.MethodDelete: item.Delete, http.MethodPatch: item.Patch,
		} {
			if op != nil {
				all[method+" "+path] = op
			}
		}
	}
	return all
}

// pathsOf expands a host route to the paths that it serves.
func pathsOf(t *testing.T, route string) []string {
	t.Helper()
	if alternatives := regexp.MustCompile(`^\{\w+:regex\(\^\((.+)\)\$\)\}$`).FindStringSubmatch(
		route); alternatives != nil {
		var paths []string
		for alternative := range strings.SplitSeq(alternatives[1], "|") {
			paths = append(paths, "/"+alternative)
		}
		return paths
	}
	paths, current := []string{}, ""
	for segment := range strings.SplitSeq(route, "/") {
		if plain, optional := strings.CutSuffix(segment, "?}"); optional {
			paths = append(paths, current)
			segment = plain + "}"
		}
		current += "/" + segment
	}
	return append(paths, current)
}

// servedBy are the functions that serve the operations of the API document.
func servedBy(t *testing.T, api huma.API) map[string]string {
	t.Helper()
	served := map[string]string{} // operation → function
	for function, bindings := range functionFiles(t, ".") {
		if bindings[0].Type != "httpTrigger" {
			continue
		}
		methods := strings.ToUpper(strings.Join(bindings[0].Methods, " "))
		before := len(served)
		for _, path := range pathsOf(t, bindings[0].Route) {
			for operation := range operationsOf(api) {
				m, p, _ := strings.Cut(operation, " ")
				// The parameter {view} of the route stands for the literal views.
				fits := p == path || strings.HasSuffix(path, "/{view}") &&
					strings.HasPrefix(p, strings.TrimSuffix(path, "{view}")) &&
					!strings.Contains(strings.TrimPrefix(p, strings.TrimSuffix(path, "{view}")), "/")
				if !slices.Contains(strings.Fields(methods), m) || !fits {
					continue
				}
				assert.NotContains(t, served, operation, "two functions would serve it")
				served[operation] = function
			}
		}
		if function == preflight { // of all paths, and none of the document's
			assert.Equal(t, "OPTIONS", methods)
			continue
		}
		assert.Greater(t, len(served), before, "function %s serves nothing of the API document", function)
	}
	return served
}

func TestAPIDocumentAndRoutesAgree(t *testing.T) {
	_, api := listed(t)
	served := servedBy(t, api)
	assert.Equal(t, slices.Sorted(maps.Keys(operationsOf(api))), slices.Sorted(maps.Keys(served)))
	assert.Equal(t, map[string]string{
		"POST /credentials/validate": "validate", "PUT /integrations/{id}": "connect",
		"PATCH /integrations/{id}/owner": "transfer", "GET /policy": "policy",
		"PATCH /integrations/{id}":  "connect",
		"DELETE /integrations/{id}": "disconnect", "POST /integrations/{id}/confirm": "confirm",
		"POST /integrations/{id}/manage":        "manage",
		"POST /integrations/{id}/health-checks": "checknow",
		"POST /integrations/{id}/import":        "adopt",
		"GET /integrations":                     "inspect", "GET /integrations/{id}": "inspect",
		"GET /integrations/{id}/credentials": "inspect", "GET /integrations/{id}/health": "inspect",
		"GET /integrations/{id}/drift":         "inspect",
		"POST /integrations/{id}/access-tests": "testaccess", "GET /operations/{id}": "operations",
		"GET /operations": "operations", "GET /integrations/{id}/operations": "inspect",
		"POST /operations/{id}/cancel": "cancel",
		"GET /healthz":                 "healthz", "GET /readyz": "readyz", "GET /errors/{code}": "errorpage",
		"GET /openapi.json": "openapi",
		"GET /docs":         "openapi",
	}, served)
}

func TestQueues(t *testing.T) {
	files := functionFiles(t, ".")
	assert.Equal(t, "wif-commands", files["reconcile"][0].QueueName)
	assert.Equal(t, "wif-commands/$deadletterqueue", files["deadletter"][0].QueueName)
	assert.Equal(t, "wif-health", files["checkhealth"][0].QueueName)
}

// TestPackageHoldsTheFunctions looks into what `make package` makes for Azure.
func TestPackageHoldsTheFunctions(t *testing.T) {
	dist := filepath.Join(t.TempDir(), "dist")
	build := exec.CommandContext(t.Context(), "make", "package", "DIST="+dist)
	build.Dir = ".."
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Equal(t, functionFiles(t, "."), functionFiles(t, dist))
	raw, err := os.ReadFile(filepath.Join(dist, "host.json"))
	require.NoError(t, err)
	var host struct {
		CustomHandler struct {
			Description struct {
				Executable string `json:"defaultExecutablePath"`
			} `json:"description"`
			Proxying   bool `json:"enableProxyingHttpRequest"`
			Forwarding bool `json:"enableForwardingHttpRequest"`
		} `json:"customHandler"`
	}
	require.NoError(t, json.Unmarshal(raw, &host))
	assert.True(t, host.CustomHandler.Proxying && host.CustomHandler.Forwarding, "new hosts proxy, old hosts forward")
	executable, err := os.Stat(filepath.Join(dist, host.CustomHandler.Description.Executable))
	require.NoError(t, err)
	assert.NotZero(t, executable.Mode()&0o111, "the executable bit is set")
}

// TestAPIDocumentIsTheGoldenOne makes a change of the API visible in review; -update accepts it.
func TestAPIDocumentIsTheGoldenOne(t *testing.T) {
	_, api := listed(t)
	document, err := openapi.Document(api)
	require.NoError(t, err)
	golden := filepath.Join("..", "docs", "openapi.json")
	if *update {
		require.NoError(t, os.WriteFile(golden, document, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	wanted, got := strings.Split(string(want), "\n"), strings.Split(string(document), "\n")
	for i := range min(len(wanted), len(got)) {
		require.Equal(t, wanted[i], got[i],
			"docs/openapi.json, line %d; go test ./functions -update accepts the change", i+1)
	}
	require.Len(t, got, len(wanted))
}

func TestAPIDocumentExplainsItself(t *testing.T) {
	_, api := listed(t)
	document := api.OpenAPI()
	assert.Equal(t, "3.1.0", document.OpenAPI)
	for name, op := range operationsOf(api) {
		t.Run(name, func(t *testing.T) {
			assert.NotEmpty(t, op.OperationID)
			assert.NotEmpty(t, op.Summary)
			assert.NotEmpty(t, op.Tags)
			for _, p := range op.Parameters {
				assert.NotEmpty(t, p.Description, p.Name)
			}
			for status, r := range op.Responses {
				assert.NotEmpty(t, r.Description, status)
				if status >= "400" {
					assert.Contains(t, r.Content, "application/problem+json", status)
				}
			}
			if op.RequestBody != nil {
				assert.NotEmpty(t, op.RequestBody.Content["application/json"].Examples)
			}
		})
	}
	for name := range document.Components.Schemas.Map() {
		assert.NotContains(t, []string{"ErrorModel", "ErrorDetail"}, name, "huma's own error shape is not used")
	}
	raw, err := openapi.Document(api)
	require.NoError(t, err)
	for _, ref := range regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllStringSubmatch(string(raw), -1) {
		assert.Contains(t, document.Components.Schemas.Map(), ref[1])
	}
}

// TestAnswersMayGrow: a client that is made from the document must not break on a member that an answer gains, while a
// request with an unknown member is refused.
func TestAnswersMayGrow(t *testing.T) {
	_, api := listed(t)
	all := api.OpenAPI().Components.Schemas.Map()
	for _, request := range []string{"Spec", "StorageAccess", "DDOE", "Driver", "HealthCheck", "Options"} {
		assert.Equal(t, false, all[request].AdditionalProperties, request)
	}
	for _, answer := range []string{"Document", "Status", "Operation", "Report", "Check", "Problem", "Plan", "Page"} {
		require.NotNil(t, all[answer], answer)
		assert.Nil(t, all[answer].AdditionalProperties, answer)
	}
}

// TestThePageBeginsWithIntegrations: what people come for stands first, the service's own pages last.
func TestThePageBeginsWithIntegrations(t *testing.T) {
	a := newApp(t, nil)
	page := a.call(http.MethodGet, "/docs", "").raw
	last := 0
	for _, id := range []string{"listIntegrations", "getIntegration", "getOperation", "validateCredentials",
		"getApiPage", "healthz"} {
		at := strings.Index(page, `href="#`+id+`"`)
		assert.Greater(t, at, last, id)
		last = at
	}
}
