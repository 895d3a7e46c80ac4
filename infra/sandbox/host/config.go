package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Defaults of host.json, as the version 4 host has them.
const (
	defaultRoutePrefix     = "api"
	defaultInitialization  = 30 * time.Second
	defaultFunctionTimeout = 30 * time.Minute
	callsPerCore           = 16
	defaultSessions        = 8
	defaultSessionIdle     = time.Minute
	defaultLockRenewal     = 5 * time.Minute
	overridePrefix         = "AzureFunctionsJobHost__"
)

// Keys of extensions.serviceBus. Limits and defaults are those of the extension's ServiceBusOptions
// (azure-sdk-for-net, Microsoft.Azure.WebJobs.Extensions.ServiceBus): counts are at least 1, maxConcurrentCalls is 16
// for each core where it is not set, and the idle timeout of a session is positive; without one it is the client's try
// timeout, a minute.
const (
	keyCalls           = "extensions:servicebus:maxconcurrentcalls"
	keySessions        = "extensions:servicebus:maxconcurrentsessions"
	keyCallsPerSession = "extensions:servicebus:maxconcurrentcallspersession"
	keySessionIdle     = "extensions:servicebus:sessionidletimeout"
	keyLockRenewal     = "extensions:servicebus:maxautolockrenewalduration"
	keyAutoComplete    = "extensions:servicebus:autocompletemessages"
)

// config is what host.json states, after overrides.
type config struct {
	executable, workingDirectory string
	arguments                    []string
	proxying, forwarding         bool
	initializationTimeout        time.Duration
	port                         int // 0 = the host picks a free one
	routePrefix                  string
	functionTimeout              time.Duration // 0 = unbounded
	only                         []string      // allow list of function names; empty = all
	concurrentCalls, sessions    int
	sessionIdle, lockRenewal     time.Duration
	autoComplete                 bool
}

// loadConfig reads host.json from the root and applies AzureFunctionsJobHost__ overrides. It refuses what a real host
// refuses, and names every fault.
func loadConfig(root string, s settings) (config, error) {
	raw, err := os.ReadFile(filepath.Join(root, "host.json")) // the app's own file
	if err != nil {
		return config{}, fmt.Errorf("host.json: %w", err)
	}
	var file map[string]any
	if err := json.Unmarshal(raw, &file); err != nil {
		return config{}, fmt.Errorf("host.json: %w", err)
	}
	t := tree{}
	t.flatten("", file)
	for name, value := range s {
		if rest, ok := strings.CutPrefix(name, overridePrefix); ok {
			t[strings.ToLower(strings.ReplaceAll(rest, "__", ":"))] = value
		}
	}
	c, err := t.config(s)
	if err != nil {
		return config{}, fmt.Errorf("host.json: %w", err)
	}
	return c, nil
}

// tree is a JSON document in the shape that .NET's configuration gives it: colon-separated, case-insensitive keys and
// text values. That is what makes an environment variable able to override any member.
type tree map[string]string

func (t tree) flatten(prefix string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			t.flatten(join(prefix, name), member)
		}
	case []any:
		for i, member := range v {
			t.flatten(join(prefix, strconv.Itoa(i)), member)
		}
	case nil:
	default:
		t[prefix] = fmt.Sprint(v)
	}
}

func join(prefix, name string) string {
	if prefix == "" {
		return strings.ToLower(name)
	}
	return prefix + ":" + strings.ToLower(name)
}

func (t tree) config(s settings) (config, error) {
	r := reader{tree: t}
	c := config{
		executable:            s.expandLoose(t["customhandler:description:defaultexecutablepath"]),
		workingDirectory:      s.expandLoose(t["customhandler:description:workingdirectory"]),
		proxying:              isTrue(t["customhandler:enableproxyinghttprequest"]),
		forwarding:            isTrue(t["customhandler:enableforwardinghttprequest"]),
		initializationTimeout: r.duration("customhandler:initializationtimeout", defaultInitialization),
		port:                  r.number("customhandler:port", 0, 0),
		routePrefix:           r.text("extensions:http:routeprefix", defaultRoutePrefix),
		functionTimeout:       r.functionTimeout(),
		only:                  t.list("functions"),
		concurrentCalls:       r.number(keyCalls, callsPerCore*runtime.NumCPU(), 1),
		sessions:              r.number(keySessions, defaultSessions, 1),
		sessionIdle:           r.duration(keySessionIdle, defaultSessionIdle),
		lockRenewal:           r.duration(keyLockRenewal, defaultLockRenewal),
		autoComplete:          !strings.EqualFold(t[keyAutoComplete], "false"),
	}
	if c.sessionIdle == 0 {
		r.fail(keySessionIdle, errors.New("must be positive"))
	}
	if r.number(keyCallsPerSession, 1, 1) != 1 {
		r.fail(keyCallsPerSession, errors.New("only 1 is supported by this stand-in"))
	}
	for _, argument := range append(t.list("customhandler:description:arguments"),
		t.list("customhandler:description:workerarguments")...) {
		c.arguments = append(c.arguments, s.expandLoose(argument))
	}
	if t["version"] != "2.0" {
		r.fail("version", fmt.Errorf("must be %q, is %q", "2.0", t["version"]))
	}
	if c.executable == "" {
		r.fail("customHandler.description.defaultExecutablePath", errors.New("is required"))
	}
	return c, errors.Join(r.errs...)
}

func (t tree) list(key string) []string {
	var values []string
	for i := 0; ; i++ {
		value, ok := t[key+":"+strconv.Itoa(i)]
		if !ok {
			return values
		}
		values = append(values, value)
	}
}

// reader takes typed values out of a tree and collects what cannot be read.
type reader struct {
	tree tree
	errs []error
}

func (r *reader) fail(key string, err error) { r.errs = append(r.errs, fmt.Errorf("%s: %w", key, err)) }

func (r *reader) text(key, fallback string) string {
	if value, ok := r.tree[key]; ok {
		return value
	}
	return fallback
}

// number reads a whole number that is not below least.
func (r *reader) number(key string, fallback, least int) int {
	value, ok := r.tree[key]
	if !ok {
		return fallback
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil:
		r.fail(key, fmt.Errorf("%q is not a whole number", value))
	case n < least:
		r.fail(key, fmt.Errorf("must be at least %d, is %d", least, n))
	default:
		return n
	}
	return fallback
}

func (r *reader) duration(key string, fallback time.Duration) time.Duration {
	value, ok := r.tree[key]
	if !ok {
		return fallback
	}
	d, err := parseTimeSpan(value)
	if err != nil {
		r.fail(key, err)
		return fallback
	}
	return d
}

// functionTimeout is the one time span that -1 makes unbounded, 0 here.
func (r *reader) functionTimeout() time.Duration {
	const key = "functiontimeout"
	if r.tree[key] == "-1" {
		return 0
	}
	return r.duration(key, defaultFunctionTimeout)
}

// parseTimeSpan reads .NET's [d.]hh:mm[:ss[.fffffff]].
func parseTimeSpan(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a time span (hh:mm:ss)", text)
	days, clock := "0", text
	if before, after, ok := strings.Cut(text, "."); ok && strings.Contains(after, ":") {
		days, clock = before, after
	}
	parts := strings.Split(clock, ":")
	if len(parts) < 2 || len(parts) > 3 || strings.Contains(text, "-") {
		return 0, bad
	}
	d, err := strconv.Atoi(days)
	if err != nil {
		return 0, bad
	}
	hours, err1 := strconv.Atoi(parts[0])
	minutes, err2 := strconv.Atoi(parts[1])
	var seconds float64
	var err3 error
	if len(parts) == 3 {
		seconds, err3 = strconv.ParseFloat(parts[2], 64)
	}
	if errors.Join(err1, err2, err3) != nil || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 ||
		seconds >= 60 || d < 0 {
		return 0, bad
	}
	return time.Duration(d)*24*time.Hour + time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute +
		time.Duration(seconds*float64(time.Second)), nil
}
