package discovery

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/ddoe-ai/azure-wif/functions/internal/armid"
	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/azure"
	"github.com/ddoe-ai/azure-wif/functions/internal/credential/field"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/fetch"
)

// The checks of the account and the container that others may tell more of.
const (
	CheckStorage = "discovery.storage"
	CheckPublic  = "discovery.storage.public"
)

const (
	checkStorageTenant = "discovery.storage.tenant"
	checkDNS           = "discovery.storage.dns"

	titleNetwork       = "The storage account answers from here"
	titleStorageTenant = "The storage account trusts the file's tenant"
	titlePublic        = "The container is not open to everybody"
	titleDNS           = "The account's name in DNS"
)

// storage is the account and container that a request names; the zero value names none.
type storage struct {
	// endpoint is the URL of the blob endpoint, without a slash at its end.
	endpoint, host string
	diagnosis.Context
}

// storage takes apart what names the account: its ARM id, or its blob endpoint, which an id does not tell of accounts
// in a DNS zone of their own.
func (s *Service) storage(account, container string) (storage, error) {
	if account == "" && container == "" {
		return storage{}, nil
	}
	at := storage{Context: diagnosis.Context{Container: container}}
	var findings []diagnosis.Finding
	fault := func(pointer string, code diagnosis.Code, why, actual, expected string) {
		findings = append(findings, diagnosis.Finding{Pointer: pointer, Code: code, Detail: why,
			Actual: field.Actual(actual), Expected: expected})
	}
	if account == "" {
		fault("/container", diagnosis.CodeInvalidCombination, "A container is named, and no storage account.", "",
			"storage beside it")
	} else if why := at.name(account, s.BlobSuffix); why != "" {
		fault("/storage", diagnosis.CodeInvalidResourceID, why, account,
			"a storage account's resource id, or https://{account}."+s.BlobSuffix)
	}
	if container != "" && !armid.IsContainerName(container) {
		fault("/container", diagnosis.CodeInvalidContainer, "The container's name is not valid.", container,
			"3 to 63 lower-case letters, digits and single hyphens between them")
	}
	if len(findings) > 0 {
		return storage{}, &diagnosis.Error{Diagnosis: diagnosis.New(findings[0].Code,
			diagnosis.WithDetail("%s", findings[0].Detail), diagnosis.WithFindings(findings...))}
	}
	at.Target = "https://" + at.host
	at.endpoint = at.Target
	return at, nil
}

// name takes the account's names out of what names it; it returns why it cannot.
func (at *storage) name(account, suffix string) string {
	if !strings.HasPrefix(account, "https://") {
		id, problem := armid.ParseStorageAccount(account)
		at.host, at.Account, at.AccountID = id.Name+"."+suffix, id.Name, id.String()
		return problem
	}
	u, err := url.Parse(account)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" ||
		u.Fragment != "" {
		return "The URL is not that of a blob endpoint."
	}
	at.host = u.Host
	at.Account, _, _ = strings.Cut(u.Hostname(), ".")
	return misnamed(strings.ToLower(u.Hostname()), suffix)
}

// endpoints are what accounts have beside the blob endpoint, and clouds their domains. Source: learn.microsoft.com,
// Storage account overview (storage account endpoints), and Azure Government and Azure China developer guides.
var (
	endpoints = map[string]string{"blob": "Blob Storage", "dfs": "Data Lake Storage", "file": "Azure Files",
		"queue": "Queue Storage", "table": "Table Storage", "web": "a static website"}
	clouds = map[string]string{"core.windows.net": "public Azure", "core.usgovcloudapi.net": "Azure US Government",
		"core.chinacloudapi.cn": "Azure in China"}
)

// misnamed tells what a host is where it is an endpoint of an account, and not the blob endpoint in the service's own
// cloud; empty for any other host.
func misnamed(host, suffix string) string {
	_, own, _ := strings.Cut(suffix, ".")
	for domain, cloud := range clouds {
		labels, isBelow := strings.CutSuffix(host, "."+domain)
		if !isBelow || clouds[own] == "" {
			continue
		}
		account, service, _ := strings.Cut(labels, ".")
		zone, last, hasZone := strings.Cut(service, ".")
		if hasZone { // acme.z12.blob.storage.azure.net has another domain; acme.z6.web.core.windows.net has this one
			service, account = last, account+"."+zone
		}
		of, isKnown := endpoints[service]
		switch {
		case !isKnown:
			return ""
		case domain != own:
			return "The URL is of an account in " + cloud + ", and this service works in " + clouds[own] + "."
		case service != "blob":
			return "The URL is that of " + of + ": the same account's blob endpoint is https://" +
				strings.SplitN(account, ".", 2)[0] + "." + suffix + "."
		}
	}
	return ""
}

// accountAnswer is what an account answers to a request without a token.
type accountAnswer struct {
	hasAnswered bool
	// tenant is the one that it trusts; empty where it does not tell.
	tenant string
}

// lookAtStorage asks the account, the container and DNS.
func (s *Service) lookAtStorage(ctx context.Context, at storage) (accountAnswer, []assessment.Check) {
	var answer accountAnswer
	var network, public, dns assessment.Check
	var looks sync.WaitGroup
	looks.Go(func() { answer, network = s.lookAtAccount(ctx, at) })
	looks.Go(func() { public = s.lookAtContainer(ctx, at) })
	looks.Go(func() { dns = s.lookAtDNS(ctx, at) })
	looks.Wait()
	checks := []assessment.Check{network, dns}
	if at.Container == "" {
		return answer, checks
	}
	if !answer.hasAnswered {
		public = assessment.Skip(CheckPublic, layer, titlePublic, CheckStorage)
	}
	return answer, append(checks, public)
}

// lookAtAccount asks for the account's tenant. It is in the challenge to a request without a token. Source:
// learn.microsoft.com, Authorize with Microsoft Entra ID (REST API), Bearer challenge.
func (s *Service) lookAtAccount(ctx context.Context, at storage) (accountAnswer, assessment.Check) {
	client, err := azure.BlobService(at.endpoint, nil, s.ClientOptions)
	if err == nil {
		_, err = client.GetProperties(ctx, nil)
	}
	var refused *azcore.ResponseError
	if errors.As(err, &refused) {
		tenant := classify.StorageTenant(refused)
		// The account may refuse what is anonymous before it comes to the challenge; it has answered all the same.
		if refused.StatusCode == http.StatusUnauthorized && tenant != "" ||
			refused.ErrorCode == "PublicAccessNotPermitted" {
			made := passed(CheckStorage, titleNetwork)
			made.Target = at.Target
			return accountAnswer{hasAnswered: true, tenant: tenant}, made
		}
	}
	return accountAnswer{hasAnswered: err == nil}, check(CheckStorage, titleNetwork, err, at.Context)
}

// lookAtContainer asks whether the container can be read without a token.
func (s *Service) lookAtContainer(ctx context.Context, at storage) assessment.Check {
	if at.Container == "" {
		return assessment.Check{}
	}
	address := at.endpoint + "/" + at.Container
	client, err := azure.BlobContainer(address, nil, s.ClientOptions)
	if err == nil {
		_, err = client.GetProperties(ctx, nil)
	}
	made := passed(CheckPublic, titlePublic)
	var refused *azcore.ResponseError
	switch {
	case err == nil:
		made = faulty(CheckPublic, diagnosis.CodeContainerPublic, "", at.Context, assessment.Pair{})
	case !errors.As(err, &refused), refused.ErrorCode == "ContainerNotFound":
		made = check(CheckPublic, titlePublic, err, at.Context)
	default:
		made.Detail = "Whether the container exists does not show without a token."
	}
	made.Target = address
	return made
}

// lookAtDNS tells whether the account has a private endpoint: the public name leads over one with privatelink in it
// then, which does not exist else. Source: learn.microsoft.com, Use private endpoints for Azure Storage (DNS changes).
func (s *Service) lookAtDNS(ctx context.Context, at storage) assessment.Check {
	label, domain, _ := strings.Cut(at.host, ".")
	name := label + ".privatelink." + domain
	_, err := s.Fetcher.LookupHost(ctx, name)
	made := passed(checkDNS, titleDNS)
	var missing *net.DNSError
	var notAllowed *fetch.Refusal
	switch {
	case errors.As(err, &notAllowed): // nor is the account itself contacted, which tells of it
		return assessment.Skip(checkDNS, layer, titleDNS, CheckStorage)
	case err == nil:
		made.Detail = "The account has a private endpoint: " + name + " exists."
	case errors.As(err, &missing) && missing.IsNotFound:
		made.Detail = "DNS shows no private endpoint of the account."
	case errors.Is(err, fetch.ErrProxied):
		made.Status, made.Detail = diagnosis.OutcomeSkip, "A proxy resolves the names, and does not tell of them."
	default:
		made = check(checkDNS, titleDNS, err, at.Context)
	}
	made.Target = name
	return made
}

// judgeTenant holds the account's tenant against the file's: Storage takes tokens of one tenant alone.
func judgeTenant(answer accountAnswer, file tenant, at storage) assessment.Check {
	made := passed(checkStorageTenant, titleStorageTenant)
	switch {
	case !answer.hasAnswered:
		return assessment.Skip(checkStorageTenant, layer, titleStorageTenant, CheckStorage)
	case file.id == "":
		return assessment.Skip(checkStorageTenant, layer, titleStorageTenant, file.brokenBy)
	case answer.tenant == "":
		made.Status, made.Detail = diagnosis.OutcomeSkip, "The account does not tell its tenant to who has no token."
	case !strings.EqualFold(answer.tenant, file.id):
		c := at.Context
		c.TenantID = file.id
		made = faulty(checkStorageTenant, diagnosis.CodeStorageTenantMismatch, "The account trusts the tenant "+
			answer.tenant+".", c, assessment.Pair{Expected: answer.tenant, Actual: file.id})
		if file.refusedBy != "" { // no account here can trust it
			made.DependsOn, made.Remedy = file.refusedBy, nil
		}
	}
	made.Field, made.Target = file.pointer, at.Target
	return made
}
