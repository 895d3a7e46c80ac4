package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/host/route"
)

// The trigger types that the stand-in knows.
const (
	triggerHTTP       = "httpTrigger"
	triggerServiceBus = "serviceBusTrigger"
	triggerTimer      = "timerTrigger"
)

var (
	functionName = regexp.MustCompile(`(?i)^[a-z][a-z0-9_-]{0,127}$`)
	bindingName  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9]*|\$return)$`)
)

// binding is one entry of function.json, all triggers' members in one.
type binding struct {
	Type        string   `json:"type"`
	Name        string   `json:"name"`
	Direction   string   `json:"direction"`
	DataType    string   `json:"dataType,omitempty"`
	Cardinality string   `json:"cardinality,omitempty"`
	AuthLevel   string   `json:"authLevel,omitempty"`
	Methods     []string `json:"methods,omitempty"`
	Route       *string  `json:"route,omitempty"`

	QueueName            string `json:"queueName,omitempty"`
	TopicName            string `json:"topicName,omitempty"`
	SubscriptionName     string `json:"subscriptionName,omitempty"`
	Connection           string `json:"connection,omitempty"`
	IsSessionsEnabled    bool   `json:"isSessionsEnabled,omitempty"`
	AutoCompleteMessages *bool  `json:"autoCompleteMessages,omitempty"`

	Schedule     string `json:"schedule,omitempty"`
	RunOnStartup bool   `json:"runOnStartup,omitempty"`
	UseMonitor   *bool  `json:"useMonitor,omitempty"`
}

func (b binding) isBinary() bool { return strings.EqualFold(b.DataType, "binary") }

// entity is the broker's name of what the trigger listens to.
func (b binding) entity() string {
	if b.TopicName != "" {
		return b.TopicName + "/subscriptions/" + b.SubscriptionName
	}
	return b.QueueName
}

// function is one folder with a function.json that may run.
type function struct {
	name     string
	trigger  binding
	bindings []binding
	disabled bool
	route    *route.Route // HTTP only
	schedule schedule     // timer only
}

// FunctionError tells why one function does not run; the others do.
type FunctionError struct {
	Function string
	Err      error
}

func (e *FunctionError) Error() string { return fmt.Sprintf("function %q: %v", e.Function, e.Err) }
func (e *FunctionError) Unwrap() error { return e.Err }

// discover finds the functions: immediate sub-folders of root that hold a function.json, in name order, which is also
// the order of route matching.
func discover(root string, c config, s settings) ([]*function, []*FunctionError, error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, nil, fmt.Errorf("functions: %w", err)
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int {
		return strings.Compare(strings.ToLower(a.Name()), strings.ToLower(b.Name()))
	})
	var found []*function
	var faulty []*FunctionError
	for _, entry := range entries {
		raw, err := os.ReadFile(filepath.Join(root, entry.Name(), "function.json")) // the app's own file
		if err != nil || (len(c.only) > 0 && !slices.Contains(c.only, entry.Name())) {
			continue
		}
		f, err := load(entry.Name(), raw, c, s)
		if err == nil {
			err = clash(f, found)
		}
		if err != nil {
			faulty = append(faulty, &FunctionError{Function: entry.Name(), Err: err})
			continue
		}
		found = append(found, f)
	}
	return found, faulty, nil
}

func load(name string, raw []byte, c config, s settings) (*function, error) {
	if !functionName.MatchString(name) || strings.EqualFold(name, "host") {
		return nil, errors.New("not a legal function name: a letter, then up to 127 letters, digits, _ or -, and " +
			"not \"host\"")
	}
	var file struct {
		Bindings []binding `json:"bindings"`
		Disabled any       `json:"disabled"`
		Retry    any       `json:"retry"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("function.json: %w", err)
	}
	if file.Retry != nil {
		return nil, errors.New("retry is not supported by this stand-in")
	}
	f := &function{name: name, bindings: file.Bindings, disabled: s.isDisabled(name)}
	switch d := file.Disabled.(type) {
	case bool:
		f.disabled = f.disabled || d
	case string: // the name of a setting
		f.disabled = f.disabled || isTrue(s[d])
	}
	if err := f.checkBindings(); err != nil {
		return nil, err
	}
	return f, f.resolve(c, s)
}

func (f *function) checkBindings() error {
	if len(f.bindings) == 0 {
		return errors.New("no bindings")
	}
	triggers := 0
	for _, b := range f.bindings {
		if !bindingName.MatchString(b.Name) {
			return fmt.Errorf("binding name %q: letters and digits only, starting with a letter", b.Name)
		}
		if b.Type == "" || !slices.Contains([]string{"in", "out", "inout"}, b.Direction) {
			return fmt.Errorf("binding %q: type and direction (in, out or inout) are required", b.Name)
		}
		if b.DataType != "" && !slices.Contains([]string{"string", "binary", "stream"}, strings.ToLower(b.DataType)) {
			return fmt.Errorf("binding %q: dataType %q is none of string, binary, stream", b.Name, b.DataType)
		}
		switch {
		case strings.HasSuffix(strings.ToLower(b.Type), "trigger"):
			f.trigger = b
			triggers++
		case !strings.EqualFold(b.Type, "http"):
			return fmt.Errorf("binding %q: type %q is not supported by this stand-in", b.Name, b.Type)
		}
	}
	if triggers != 1 {
		return fmt.Errorf("%d triggers; exactly one is needed", triggers)
	}
	if f.trigger.Direction != "in" {
		return fmt.Errorf("trigger %q: direction must be in", f.trigger.Name)
	}
	return nil
}

// resolve checks and expands what the trigger's own type needs.
func (f *function) resolve(c config, s settings) error {
	switch f.trigger.Type {
	case triggerHTTP:
		return f.resolveHTTP(c, s)
	case triggerServiceBus:
		return f.resolveServiceBus(s)
	case triggerTimer:
		text, err := s.expand(f.trigger.Schedule)
		if err != nil {
			return err
		}
		f.schedule, err = parseSchedule(text)
		return err
	default:
		return fmt.Errorf("the binding type %q is not registered", f.trigger.Type)
	}
}

func (f *function) resolveHTTP(c config, s settings) error {
	if !c.proxying && !c.forwarding {
		return errors.New("HTTP in payload mode is not supported by this stand-in: enable proxying or forwarding " +
			"in host.json")
	}
	if len(f.bindings) != 2 {
		return errors.New("proxying and forwarding need exactly one httpTrigger and one http output binding")
	}
	text := f.name
	if f.trigger.Route != nil {
		text = *f.trigger.Route
	}
	text, err := s.expand(text)
	if err != nil {
		return err
	}
	if lower := strings.ToLower(text); strings.HasPrefix(lower, "admin") || strings.HasPrefix(lower, "runtime") {
		return fmt.Errorf("route %q: routes that start with admin or runtime are the host's own", text)
	}
	f.route, err = route.Parse(strings.Trim(c.routePrefix, "/"), text)
	return err
}

func (f *function) resolveServiceBus(s settings) error {
	if strings.EqualFold(f.trigger.Cardinality, "many") {
		return errors.New("cardinality many is not supported by this stand-in")
	}
	for _, field := range []*string{&f.trigger.QueueName, &f.trigger.TopicName, &f.trigger.SubscriptionName} {
		expanded, err := s.expand(*field)
		if err != nil {
			return err
		}
		*field = expanded
	}
	if (f.trigger.QueueName == "") == (f.trigger.TopicName == "" || f.trigger.SubscriptionName == "") {
		return errors.New("either queueName, or topicName and subscriptionName, must be given")
	}
	if f.trigger.Connection == "" {
		f.trigger.Connection = "ServiceBus"
	}
	return s.connected(f.trigger.Connection)
}

// clash refuses a second function with the same route template and a common method.
func clash(f *function, earlier []*function) error {
	if f.route == nil {
		return nil
	}
	for _, other := range earlier {
		if other.route == nil || !strings.EqualFold(other.route.Template, f.route.Template) {
			continue
		}
		if len(f.trigger.Methods) == 0 || len(other.trigger.Methods) == 0 || slices.ContainsFunc(f.trigger.Methods,
			other.isAllowed) {
			return fmt.Errorf("the route %q conflicts with the route of function %q", f.route.Template, other.name)
		}
	}
	return nil
}

// isAllowed tells whether the HTTP function takes the method; none listed means all.
func (f *function) isAllowed(method string) bool {
	return len(f.trigger.Methods) == 0 || slices.ContainsFunc(f.trigger.Methods,
		func(m string) bool { return strings.EqualFold(m, method) })
}
