package structure_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/infra/sandbox/world"
)

// The ids of the checks.
const (
	ofApplication = "structure.application"
	ofPrincipal   = "structure.servicePrincipal"
	ofTrust       = "structure.federatedCredential"
	ofRole        = "structure.roleAssignment"
	ofAccount     = "structure.storageAccount"
	ofContainer   = "structure.container"
	ofTenant      = "structure.tenant"
)

func TestASetupByHand(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	before := s.world.Snapshot()
	r := s.judge()
	assert.Empty(t, found(r))
	assert.Equal(t, assessment.VerdictPass, r.Verdict)
	assert.Equal(t, assessment.ClaimStructure, r.ClaimLevel)
	assert.Nil(t, r.Diagnosis)
	for _, id := range []string{ofTenant, ofApplication, ofPrincipal, ofTrust, ofRole, ofAccount, ofContainer,
		"discovery.tenant", "file.subject"} {
		assert.Equal(t, diagnosis.OutcomePass, of(t, r, id).Status, id)
	}
	assert.Equal(t, "It is the credential DDOE-federation.", of(t, r, ofTrust).Detail)
	assert.Equal(t, subject, of(t, r, ofTrust).Target)
	assert.Equal(t, "Storage Blob Data Contributor.", of(t, r, ofRole).Detail)
	assert.Equal(t, before, s.world.Snapshot(), "a look writes nothing")
}

// fault is one thing that is wrong, the check that it fails, and how.
type fault struct {
	make  func(s *setup)
	check string
	want  string
	// expected and at are what the check shows, where it compares.
	expected string
	at       int
	// detail is a part of what the check states.
	detail string
	// cause is the code of the check that it follows from; empty where it is the cause itself.
	cause string
	// isUnreadable is true where the service may not look.
	isUnreadable bool
}

// faults are those of the structure, each by itself.
func faults() map[string]fault {
	all := identityFaults()
	maps.Copy(all, trustFaults())
	maps.Copy(all, storageFaults())
	return all
}

// member has the file say something else.
func member(name, value string) func(s *setup) { return func(s *setup) { s.members[name] = value } }

func identityFaults() map[string]fault {
	return map[string]fault{
		"no application": {make: func(s *setup) { s.remove("applications", objectID) }, check: ofApplication,
			want: "fail identity-missing"},
		"a disabled application": {make: func(s *setup) {
			s.put("applications", objectID, map[string]any{"appId": clientID, "isDisabled": true})
		}, check: ofApplication, want: "fail client-disabled"},
		"the application's object id": {make: member("clientId", objectID), check: ofApplication,
			want: "fail client-id-is-object-id", expected: clientID, at: 35, detail: "object id of the application"},
		"the principal's object id": {make: member("clientId", principalID), check: ofApplication,
			want: "fail client-id-is-object-id", expected: clientID, at: 35, detail: "of the service principal"},
		"no service principal": {make: func(s *setup) { s.remove("servicePrincipals", principalID) },
			check: ofPrincipal, want: "fail service-principal-missing"},
		"a disabled principal": {make: func(s *setup) {
			s.put("servicePrincipals", principalID, map[string]any{"appId": clientID, "accountEnabled": false})
		}, check: ofPrincipal, want: "fail client-disabled"},
		"another tenant": {make: func(s *setup) { // whose account it is, too
			const other = "99999999-9999-4999-8999-999999999999"
			s.world.PutTenant(world.Tenant{ID: other, Domain: "other.example"})
			s.world.PutSubscription(world.Subscription{ID: world.SubscriptionID, TenantID: other})
			s.members["tenantId"] = other
		}, check: ofTenant, want: "unknown tenant-not-seen"},
		"no right in the directory": {make: func(s *setup) {
			s.forbid("graph.microsoft.com", "Authorization_RequestDenied")
		}, check: ofApplication, want: "unknown directory-not-readable", isUnreadable: true},
		"no right in Azure": {make: func(s *setup) { s.forbid("management.azure.com", "AuthorizationFailed") },
			check: ofAccount, want: "unknown storage-not-readable", isUnreadable: true},
	}
}

func trustFaults() map[string]fault {
	credential := func(name string, value any) func(s *setup) {
		return func(s *setup) { s.trust(map[string]any{name: value}) }
	}
	all := map[string]fault{
		"no credential": {make: func(s *setup) { s.remove(credentials, credentialA) }, check: ofTrust,
			want: "fail federated-credential-missing"},
		"one for somebody else": {make: func(s *setup) {
			s.trust(map[string]any{"issuer": "https://example.com", "subject": "another"})
		}, check: ofTrust, want: "fail federated-credential-missing"},
		"a slash": {make: credential("issuer", world.Issuer+"/"), expected: world.Issuer, at: 26,
			detail: "a slash"},
		"case": {make: credential("subject", strings.ToUpper(subject)), expected: subject,
			detail: "lower case"},
		"a blank": {make: credential("subject", subject+" "), expected: subject, at: 41, detail: "blanks"},
		"a namespace": {make: credential("subject", "system:serviceaccount:ddoe:my-service"), expected: subject,
			at: 23, detail: "namespace"},
		"a look-alike": {make: credential("subject", strings.Replace(subject, "dataloop", "dаtaloop", 1)),
			expected: subject, at: 23, detail: "look the same"},
		"an audience": {make: credential("audiences", []string{"api://other"}), expected: audience, at: 6,
			detail: "audience from character 7"},
		"an expression": {make: func(s *setup) {
			s.trust(map[string]any{"subject": "", "claimsMatchingExpression": map[string]any{
				"value": "claims['sub'] matches '*'", "languageVersion": 1}})
		}, check: ofTrust, want: "fail credential-flexible-unsupported", detail: "GitHub, GitLab"},
	}
	for name, f := range all {
		if f.check == "" {
			f.check, f.want = ofTrust, "fail federated-credential-differs"
			all[name] = f
		}
	}
	return all
}

func storageFaults() map[string]fault {
	role := func(scope, role, principal, condition string) func(s *setup) {
		return func(s *setup) { s.assign(scope, role, principal, condition) }
	}
	return map[string]fault{
		"no role": {make: func(s *setup) { s.remove("roleAssignments", assigned) }, check: ofRole,
			want: "fail role-missing"},
		"a role beside": {make: role(world.DataAccountID+"/blobServices/default/containers/archive", contributor,
			principalID, ""), check: ofRole, want: "fail role-missing"},
		"reading alone": {make: role(container, reader, principalID, ""), check: ofRole, want: "fail role-missing",
			detail: "Storage Blob Data Reader gives reading alone"},
		"a management role": {make: role(world.DataAccountID, manager, principalID, ""), check: ofRole,
			want: "fail role-without-data-rights", detail: "Contributor, inherited from " + world.DataAccountID},
		"a condition": {make: role(container, contributor, principalID, "@Resource[x] StringEquals 'y'"),
			check: ofRole, want: "warn role-assignment-conditioned", detail: "has a condition"},
		"a custom role": {make: role(container, "aaaaaaaa-0000-4000-8000-0000000000ff", principalID, ""),
			check: ofRole, want: "unknown role-not-known"},
		"no account": {make: func(s *setup) { s.account = world.DataAccountID + "x" }, check: ofAccount,
			want: "fail storage-account-not-found"},
		"a firewall": {make: func(s *setup) {
			s.account, s.request.Container = world.LockedAccountID, ""
			s.assign(world.LockedAccountID, contributor, principalID, "")
		}, check: ofAccount, want: "warn network-rules-restrict", cause: "network-rules-blocked",
			detail: "What no rule names is refused"},
		"no container": {make: func(s *setup) {
			s.request.Container = "imagse"
			s.assign(world.DataAccountID, contributor, principalID, "")
		}, check: ofContainer,
			want: "fail container-not-found"},
		"an immutable container": {make: func(s *setup) {
			s.request.Container = "archive"
			s.assign(world.DataAccountID, contributor, principalID, "")
		}, check: ofContainer,
			want: "warn immutable-container"},
	}
}

// TestEachFault: the check that it is about fails, with what should be there and who mends it, and nothing else fails
// but what rests on it.
func TestEachFault(t *testing.T) {
	t.Parallel()
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			f.make(s)
			before := s.world.Snapshot()
			r := s.judge()
			c := of(t, r, f.check)
			assert.Equal(t, f.want, string(c.Status)+" "+string(c.Code), "%v", found(r))
			assert.Contains(t, c.Detail, f.detail)
			if f.cause != "" { // which has the remedy
				return
			}
			require.NotNil(t, c.Remedy)
			isMisnamed := strings.HasSuffix(f.want, "-not-found") // the caller has named it
			assert.Equal(t, isMisnamed, c.Remedy.Who == diagnosis.WhoCaller, "the service mends nothing of it")
			assert.NotEmpty(t, c.Remedy.Steps)
			assert.NotContains(t, strings.Join(c.Remedy.Steps, " "), "PUT")
			assert.NotContains(t, c.Remedy.Command, "<", "the command is filled in")
			if f.expected != "" {
				assert.Equal(t, f.expected, c.Expected)
				require.NotNil(t, c.DiffAt)
				assert.Equal(t, f.at, *c.DiffAt)
			}
			if c.Status == diagnosis.OutcomeWarn {
				return
			}
			assert.NotEqual(t, assessment.ClaimStructure, r.ClaimLevel)
			assert.NotEqual(t, assessment.VerdictPass, r.Verdict)
			require.NotNil(t, r.Diagnosis)
			assert.Equal(t, before, s.world.Snapshot())
		})
	}
}

// isAlone reports whether two faults cannot be had together: they are about one thing, or what one does undoes the
// other.
func isAlone(a, b fault) bool {
	both := a.check + b.check
	isOfRole := strings.Contains(both, ofRole)
	return a.check == b.check || strings.Contains(both, ofApplication) && strings.Contains(both, ofPrincipal) ||
		strings.Contains(both, ofAccount) && strings.Contains(both,
			ofContainer) && !a.isUnreadable && !b.isUnreadable ||
		isOfRole && (strings.Contains(both, ofAccount) || strings.Contains(both, ofContainer)) && !a.isUnreadable &&
			!b.isUnreadable
}

// TestFaultsInPairs: each shows, or the one that the other rests on is named.
func TestFaultsInPairs(t *testing.T) {
	t.Parallel()
	all := faults()
	names := slices.Sorted(maps.Keys(all))
	for i, one := range names {
		for _, other := range names[i+1:] {
			a, b := all[one], all[other]
			if isAlone(a, b) {
				continue
			}
			t.Run(one+" and "+other, func(t *testing.T) {
				t.Parallel()
				s := newSetup(t)
				// what is removed takes along what is on it: the other one is made first
				isOfIdentity := func(f fault) bool { return f.check == ofApplication || f.check == ofPrincipal }
				for _, isLate := range []bool{false, true} {
					for _, f := range []fault{b, a} {
						if isOfIdentity(f) == isLate {
							f.make(s)
						}
					}
				}
				assertPair(t, s.judge(), a, b)
			})
		}
	}
}

// TestWhatCountsAsRight: rights from above and by a group, the wider role, and reading where that is asked for.
func TestWhatCountsAsRight(t *testing.T) {
	t.Parallel()
	group, _, _ := strings.Cut(world.DataAccountID, "/providers/")
	for name, c := range map[string]struct {
		scope, role, principal, detail string
		access                         integration.Access
	}{
		"at the account": {world.DataAccountID, contributor, principalID,
			"Storage Blob Data Contributor, inherited from " + world.DataAccountID + ".", ""},
		"at the group, in other letters": {strings.ToUpper(group), owner, principalID,
			"Storage Blob Data Owner, inherited from " + strings.ToUpper(group) + ".", ""},
		"by a group": {container, contributor, groupID, "Storage Blob Data Contributor by the group " + groupID + ".",
			""},
		"reading": {container, reader, principalID, "Storage Blob Data Reader.", integration.AccessRead},
		"more than is asked for": {container, contributor, principalID, "Storage Blob Data Contributor.",
			integration.AccessRead},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			s.put("groups", groupID, map[string]any{"members": []string{principalID}})
			s.assign(c.scope, c.role, c.principal, "")
			s.request.Access = c.access
			r := s.judge()
			assert.Empty(t, found(r))
			assert.Equal(t, c.detail, of(t, r, ofRole).Detail)
		})
	}
}

// TestAManagedIdentity has no application, and its credentials are in its resource group: they are seen where that is
// the one of the service's own identities.
func TestAManagedIdentity(t *testing.T) {
	t.Parallel()
	const elsewhere = "/subscriptions/" + world.SubscriptionID + "/resourceGroups/data"
	for name, c := range map[string]struct {
		group, madeIn string
		want          map[string]string
		detail        string
	}{
		"no group": {madeIn: world.IdentitiesResourceGroupID,
			want:   map[string]string{ofTrust: "unknown identity-not-seen"},
			detail: "IDENTITY_RESOURCE_GROUP names no resource group"},
		"in another group": {group: world.IdentitiesResourceGroupID, madeIn: elsewhere,
			want: map[string]string{ofTrust: "unknown identity-not-seen"}, detail: "There is none in /subscriptions"},
		"in the group": {group: world.IdentitiesResourceGroupID, madeIn: world.IdentitiesResourceGroupID,
			want: map[string]string{}, detail: "It is the credential DDOE-federation."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			s.group = c.group
			made := s.identity(c.madeIn)
			s.assign(container, contributor, made.PrincipalID, "")
			r := s.judge()
			assert.Equal(t, c.want, found(r))
			assert.Equal(t, diagnosis.OutcomePass, of(t, r, "structure.managedIdentity").Status)
			assert.Contains(t, of(t, r, ofTrust).Detail, c.detail)
		})
	}
}

// TestNoStorageIsNamed, or by a URL alone.
func TestNoStorageIsNamed(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.account = ""
	r := s.judge()
	assert.Empty(t, found(r))
	assert.Equal(t, assessment.ClaimStructure, r.ClaimLevel)
	s.account = "https://acmedata.blob.core.windows.net"
	assert.Equal(t, map[string]string{ofRole: "skip "}, found(s.judge()))
}

// TestABrokenFile: what rests on a member that is broken is skipped, and the storage is looked at all the same.
func TestABrokenFile(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.members["clientId"] = "<APPLICATION_CLIENT_ID>"
	seen := found(s.judge())
	assert.Equal(t, "skip file.clientId.placeholder", seen["structure.identity"])
	assert.Equal(t, "skip file.clientId.placeholder", seen[ofTrust])
	assert.Equal(t, "skip file.clientId.placeholder", seen[ofRole])
	assert.Empty(t, seen[ofAccount]+seen[ofContainer])
	s.account = ""
	assert.NotContains(t, found(s.judge()), ofRole, "no storage is named")
	s.account = world.DataAccountID
	delete(s.members, "clientId")
	s.members["subject"] = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbDRudGVkIn0.c2lnbmF0dXJl"
	seen = found(s.judge())
	assert.Len(t, seen, 1)
	assert.Contains(t, seen[ofTrust], "skip file.")
}

// TestASubjectThatBreaksTheFilesGrammar is held against what Entra has all the same.
func TestASubjectThatBreaksTheFilesGrammar(t *testing.T) {
	t.Parallel()
	const rule = "file.subject.service-account"
	for name, c := range map[string]struct {
		file, entra string
		verdict     assessment.Verdict
		trust, rule string
		dependsOn   string
		at          int
		code        diagnosis.Code
	}{
		"the same in Entra": {file: "system:serviceaccount:dataloop", entra: "system:serviceaccount:dataloop",
			verdict: assessment.VerdictWarn, trust: "warn", rule: "warn", code: "subject-service-account", at: -1},
		"near to what Entra has": {file: "system:serviceaccount:dataloop:my_service", entra: subject,
			verdict: assessment.VerdictFail, trust: "fail", rule: "fail", dependsOn: rule,
			code: "federated-credential-differs", at: 33},
		"far from what Entra has": {file: "system:serviceaccount:dataloop", entra: "another",
			verdict: assessment.VerdictFail, trust: "fail", rule: "fail", dependsOn: rule,
			code: "federated-credential-differs", at: 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			s.members["subject"] = c.file
			s.trust(map[string]any{"subject": c.entra})
			r := s.judge()
			trust := of(t, r, ofTrust)
			assert.Equal(t, c.verdict, r.Verdict)
			assert.Equal(t, []string{c.trust, c.rule}, []string{string(trust.Status), string(of(t, r, rule).Status)})
			assert.Equal(t, c.code, trust.Code)
			assert.Equal(t, c.dependsOn, trust.DependsOn)
			require.NotNil(t, r.Diagnosis)
			assert.EqualValues(t, "subject-service-account", r.Diagnosis.Code)
			assert.Empty(t, r.Also)
			assert.Equal(t, c.trust == "warn", r.ClaimLevel == assessment.ClaimStructure)
			if c.at < 0 {
				assert.Contains(t, trust.Detail, "byte for byte")
				return
			}
			require.NotNil(t, trust.DiffAt)
			assert.Equal(t, c.at, *trust.DiffAt)
			assert.Equal(t, []string{c.file, c.entra}, []string{trust.Expected, trust.Actual})
		})
	}
}

// TestFlexibleCredentials are evaluated for the issuers that they work with, as far as the file tells the claims.
func TestFlexibleCredentials(t *testing.T) {
	t.Parallel()
	const github = "https://token.actions.githubusercontent.com"
	const repo = "repo:acme/data.set:ref:refs/heads/main"
	const differs, undecided = "fail federated-credential-differs", "unknown credential-flexible-undecided"
	for expression, want := range map[string]string{
		"claims['sub'] eq '" + repo + "'":                                                  "",
		"claims['sub'] matches 'repo:acme/*:ref:refs/heads/mai?'":                          "",
		"claims['sub'] matches 'repo:acme/dataxset:*'":                                     differs,
		"claims['sub'] matches 'acme'":                                                     differs,
		"claims['sub'] eq 'repo:acme/*'":                                                   differs,
		"claims['sub'] matches 'repo:*' and claims['sub'] matches '*:ref:refs/heads/main'": "",
		"claims['sub'] matches 'repo:*' and " +
			"claims['sub'] eq 'x'": differs,
		"claims['sub'] matches 'repo:*' and claims['job_workflow_ref'] " +
			"matches 'acme/*'": undecided,
		"claims['job_workflow_ref'] matches 'acme/*' and claims['sub'] eq 'x'": differs,
		"something else": undecided,
	} {
		t.Run(expression, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t)
			s.members["federatedTokenIssuer"], s.members["subject"] = github, repo
			s.trust(map[string]any{"issuer": github, "subject": "", "claimsMatchingExpression": map[string]any{
				"value": expression, "languageVersion": 1}})
			assert.Equal(t, want, found(s.judge())[ofTrust])
		})
	}
}

// TestTheNearestCredential is the one that was meant: others are on the identity for others.
func TestTheNearestCredential(t *testing.T) {
	t.Parallel()
	s := newSetup(t)
	s.trust(map[string]any{"subject": subject + "s"})
	for i, subject := range []string{"system:serviceaccount:dataloop:another",
		"system:serviceaccount:dataloop:third"} {
		id := credentialA[:len(credentialA)-1] + string(rune('a'+i))
		s.put(credentials, id, map[string]any{"applicationId": objectID, "name": id, "issuer": world.Issuer,
			"subject": subject, "audiences": []string{"api://other"}})
	}
	c := of(t, s.judge(), ofTrust)
	assert.Equal(t, subject+"s", c.Actual)
	assert.Contains(t, c.Detail, "DDOE-federation")
	assert.Contains(t, c.Remedy.Command, "--federated-credential-id DDOE-federation")
	s.trust(nil)
	assert.Empty(t, found(s.judge()), "those of others do not matter")
}
