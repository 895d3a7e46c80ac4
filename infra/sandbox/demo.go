package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ddoe-ai/azure-wif/infra/sandbox/stack"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world/part"
)

// The demo's integrations.
const (
	demoService   = "my-service"
	demoID        = "my-images"
	demoManagedID = "my-images-managed"
	demoContainer = "images"
	operationWait = time.Minute
	pollEvery     = 200 * time.Millisecond
)

// demo starts the stack on free ports and tells the story by plain HTTP. The error names the step that went otherwise.
func demo(ctx context.Context, dist string, out, log io.Writer) error {
	s, err := start(ctx, stack.Options{Dist: dist, Log: log})
	if err != nil {
		return err
	}
	t := &teller{out: out, client: &http.Client{Timeout: operationWait}, api: s.APIURL(), control: s.ControlURL(),
		id: demoID}
	err = t.tell(ctx)
	t.client.CloseIdleConnections()
	return errors.Join(err, s.Close())
}

// tell runs the steps in order and stops at the first that fails.
func (t *teller) tell(ctx context.Context) error {
	before, err := t.world(ctx)
	if err != nil {
		return err
	}
	steps := []struct {
		title string
		run   func(context.Context) error
	}{
		{"Give the DDOE service " + demoService + " keyless access to the container " + demoContainer, t.provision},
		{"The credential file to upload to DDOE: no secret in it", t.credentials},
		{"Prove it: exchange the service's token at Entra; write, read, list and delete a blob as the " +
			"federated identity", t.passes},
		{"What that took in Entra and Azure", func(ctx context.Context) error { return t.grown(ctx, before, 1) }},
		{"Somebody removes the role assignment in the portal", t.breakIt},
		{"The same test now says what is wrong and who can mend it", t.fails},
		{"The same PUT mends it. It asks for the platform's side too, which the organisation does not offer: a " +
			"person gets the form", t.manual},
		{"Once it is offered, the same PUT makes the platform's side: integration and driver", t.offerType},
		{"The app proves access by itself, and the platform validates its driver", t.validated},
		{"Somebody deletes the driver on the platform: drift", t.drift},
		{"The same PUT makes it anew", t.connectPlatform},
		{"Take everything down again, trust and rights first", t.teardown},
		{"Directory and subscription are as before (Entra keeps the deleted application in its recycle bin " +
			"for 30 days)",
			func(ctx context.Context) error { return t.grown(ctx, before, 0) }},
		{"Nobody to grant a right in Entra? A managed identity: not one request to Microsoft Graph",
			managedTeller{t}.provision},
		{"The same file and the same proof", managedTeller{t}.prove},
		{"Somebody deletes its federated credential in the portal", managedTeller{t}.breakIt},
		{"The test says whose trust is missing, and the command for a managed identity", t.fails},
		{"The same PUT mends it", managedTeller{t}.repair},
		{"Take it down: nothing is left, and there is no recycle bin", managedTeller{t}.takeDown},
	}
	for i, step := range steps {
		t.printf("\n%d. %s\n", i+1, step.title)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("step %d (%s): %w", i+1, step.title, err)
		}
	}
	t.printf("\nAll %d steps went as told.\n", len(steps))
	return nil
}

func (t *teller) provision(ctx context.Context) error {
	spec, err := t.spec(ctx)
	if err != nil {
		return err
	}
	a, err := t.call(ctx, http.MethodPut, t.api, "/integrations/"+t.id, spec, http.StatusCreated)
	if err != nil {
		return err
	}
	t.note("phase %v, Operation-Location: %s", a.at("status.phase"), a.header.Get("Operation-Location"))
	return t.await(ctx, a.header.Get("Operation-Location"))
}

// spec asks for read and write access to the demo's container.
func (t *teller) spec(ctx context.Context) (map[string]any, error) {
	account, err := t.account(ctx, "acmedata")
	if err != nil {
		return nil, err
	}
	return map[string]any{"serviceName": demoService, "storage": []any{
		map[string]any{"resourceId": account, "container": demoContainer, "access": "readWrite"}}}, nil
}

// await polls an operation until it ends, and shows its steps.
func (t *teller) await(ctx context.Context, location string) error {
	path := location[max(0, strings.Index(location, "/operations/")):]
	deadline := time.Now().Add(operationWait)
	for {
		a, err := t.send(ctx, http.MethodGet, t.api, path, nil)
		if err != nil {
			return err
		}
		switch status := a.at("status"); status {
		case "Succeeded":
			t.request(http.MethodGet, path, nil)
			t.answer(a)
			t.note("%v: %s", status, strings.Join(each(a.at("steps"), "name"), ", "))
			return nil
		case "NotStarted", "Running":
			if time.Now().After(deadline) {
				return fmt.Errorf("the operation still is %v after %s", status, operationWait)
			}
		default:
			return fmt.Errorf("the operation ended as %v: %s", status, a.raw)
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (t *teller) credentials(ctx context.Context) error {
	a, err := t.call(ctx, http.MethodGet, t.api, "/integrations/"+t.id+"/credentials", nil, http.StatusOK)
	if err != nil {
		return err
	}
	for line := range strings.SplitSeq(strings.TrimSpace(a.raw), "\n") {
		t.note("%s", line)
	}
	if members := len(a.object()); members != 5 {
		return fmt.Errorf("the file has %d members, not five", members)
	}
	return nil
}

func (t *teller) test(ctx context.Context, verdict string) (answer, error) {
	a, err := t.call(ctx, http.MethodPost, t.api, "/integrations/"+t.id+"/access-tests", map[string]any{},
		http.StatusOK)
	if err != nil {
		return a, err
	}
	t.note("verdict  %v (proved: %v, in %v ms)", a.at("verdict"), a.at("claimLevel"), a.at("durationMs"))
	t.note("as       %v", a.at("testedAs.subject"))
	t.note("checks   %s", layers(a.at("checks")))
	if a.at("verdict") != verdict {
		return a, fmt.Errorf("the verdict is %v, not %s: %s", a.at("verdict"), verdict, a.raw)
	}
	return a, nil
}

// layers sums checks up: the layers in the order of the report, each with the statuses that occur in it.
func layers(checks any) string {
	var order []string
	statuses := map[string][]string{}
	list, _ := checks.([]any)
	for _, check := range list {
		layer, status := fmt.Sprint(at(check, "layer")), fmt.Sprint(at(check, "status"))
		if len(statuses[layer]) == 0 {
			order = append(order, layer)
		}
		if !slices.Contains(statuses[layer], status) {
			statuses[layer] = append(statuses[layer], status)
		}
	}
	for i, layer := range order {
		order[i] = layer + " " + strings.Join(statuses[layer], "/")
	}
	return strings.Join(order, ", ")
}

func (t *teller) passes(ctx context.Context) error {
	_, err := t.test(ctx, "pass")
	return err
}

func (t *teller) fails(ctx context.Context) error {
	a, err := t.test(ctx, "fail")
	if err != nil {
		return err
	}
	checks, _ := a.at("checks").([]any)
	refused := slices.IndexFunc(checks, func(check any) bool {
		return at(check, "status") == "fail" && at(check, "evidence.httpStatus") != nil
	})
	steps, _ := a.at("diagnosis.remedy.steps").([]any)
	if refused < 0 || len(steps) == 0 {
		return fmt.Errorf("no refusal or no remedy: %s", a.raw)
	}
	of := at(checks[refused], "evidence.storageCode")
	if number := at(checks[refused], "evidence.aadsts"); number != nil {
		of = fmt.Sprintf("AADSTS%v", number)
	}
	t.note("code     %v (HTTP %v %v)", a.at("diagnosis.code"), at(checks[refused], "evidence.httpStatus"), of)
	t.note("detail   %v", a.at("diagnosis.detail"))
	t.note("who      %v", a.at("diagnosis.remedy.who"))
	for _, step := range steps {
		t.note("remedy   %v", step)
	}
	if command := a.at("diagnosis.remedy.command"); command != nil {
		t.note("command  %v", command)
	}
	return nil
}

// breakIt removes, by the control API, the assignment that the integration made.
func (t *teller) breakIt(ctx context.Context) error {
	a, err := t.send(ctx, http.MethodGet, t.api, "/integrations/"+t.id, nil)
	if err != nil {
		return err
	}
	name := part.LastSegment(fmt.Sprint(a.at("status.roleAssignments.0.id")))
	_, err = t.call(ctx, http.MethodDelete, t.control, "/objects/roleAssignments/"+name, nil, http.StatusNoContent,
		http.StatusOK)
	return err
}

func (t *teller) teardown(ctx context.Context) error {
	a, err := t.call(ctx, http.MethodDelete, t.api, "/integrations/"+t.id, nil, http.StatusAccepted)
	if err != nil {
		return err
	}
	return t.await(ctx, a.header.Get("Operation-Location"))
}

// kinds are what the demo counts in the world.
func kinds() []string {
	return []string{"applications", "servicePrincipals", "federatedIdentityCredentials", "roleAssignments",
		"ddoe.integrations", "ddoe.drivers"}
}

func (t *teller) world(ctx context.Context) (map[string]int, error) {
	a, err := t.send(ctx, http.MethodGet, t.control, "/world", nil)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, kind := range kinds() {
		all, _ := a.at(kind).([]any)
		counts[kind] = len(all)
	}
	return counts, nil
}

// grown compares the world with what it was: want more of each kind.
// The platform has no more of its objects in either case.
func (t *teller) grown(ctx context.Context, before map[string]int, want int) error {
	t.request(http.MethodGet, "/world", nil)
	now, err := t.world(ctx)
	if err != nil {
		return err
	}
	var wrong []string
	for _, kind := range kinds() {
		t.note("%+d %s", now[kind]-before[kind], kind)
		expected := want
		if strings.HasPrefix(kind, "ddoe.") {
			expected = 0
		}
		if now[kind]-before[kind] != expected {
			wrong = append(wrong, kind)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("expected %+d: %s", want, strings.Join(wrong, ", "))
	}
	return nil
}

func (t *teller) account(ctx context.Context, name string) (string, error) {
	a, err := t.send(ctx, http.MethodGet, t.control, "/world", nil)
	if err != nil {
		return "", err
	}
	accounts, _ := a.at("storageAccounts").([]any)
	for _, account := range accounts {
		if at(account, "name") == name {
			return fmt.Sprint(at(account, "resourceId")), nil
		}
	}
	return "", fmt.Errorf("no storage account %s in the world", name)
}
