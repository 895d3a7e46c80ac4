package story

import "strings"

// group are codes that are not in the table, and why.
type group struct {
	why   string
	codes []string
}

// ofLooks are the codes of looks at what somebody else has made.
const ofLooks = `client-id-is-object-id credential-flexible-undecided directory-not-readable
	federated-credential-differs identity-not-seen network-rules-restrict role-not-known
	role-without-data-rights storage-not-readable tenant-not-seen`

// ofRequests are the codes of requests and messages.
const ofRequests = `
	application-not-owned bad-request body-too-large caller-token-audience caller-token-expired caller-token-invalid
	caller-token-tenant conflict duplicate-member forbidden identity-bound identity-replace-required
	integration-exists integration-not-found integration-unmanaged not-allowed subject-bound invalid-combination
	invalid-continuation-token invalid-id invalid-operation-id invalid-parameter invalid-value
	malformed-body message-too-large method-not-allowed missing-member nested-too-deep not-a-cloudevent
	not-acceptable not-found not-json not-owned nothing-to-confirm operation-canceled
	operation-id-reused operation-not-cancelable operation-not-found precondition-failed rate-limited
	session-mismatch unauthorized unknown-command unknown-member unsupported-content-encoding
	unsupported-media-type wrong-type`

// outside are the codes that no row makes true: those that say nothing of an integration's state, and those of it that
// another test is for.
func outside() []group {
	return []group{
		{"it is a rule of what a file, a form or a spec may say, told before anything is looked at",
			strings.Fields(ofInput)},
		{"it is about a request or a message, and who sends it", strings.Fields(ofRequests)},
		{"it says how far an operation or an integration is, or what was not looked at: nothing is broken",
			strings.Fields(`
			attempts-exhausted awaiting-person awaiting-verification budget-exhausted canceled dead-lettered
			delivery-exhausted dependency-failed deprovisioning health-checks-off health-outdated identity-replaced
			integration-deleted managed-identity-paced message-expired no-storage not-provisioned superseded`)},
		{"it is about the service's own parts, whatever integration is asked about", strings.Fields(`
			internal key-vault-reference-unresolved operation-unreadable queue-unavailable record-set-aside
			record-too-new record-unreadable request-timeout service-bus-permission-missing
			service-identity-unavailable store-unavailable unrecognised`)},
		{"it is about a file that is judged with depth=discovery, of whatever integration: TestDiscovery tells them",
			strings.Fields(`
			address-not-public container-public host-not-allowed ids-swapped issuer-document-invalid
			issuer-document-mismatch issuer-document-unusual issuer-key-unusable issuer-unavailable`)},
		{"it is about what somebody else has made: the tests of package structure tell them", strings.Fields(ofLooks)},
		{"it is about the subject token that was sent, or that nobody gives, and not about the integration",
			strings.Fields(`
			assertion-expired assertion-from-entra assertion-malformed assertion-type-unsupported
			signature-invalid subject-case-mismatch subject-token-unavailable token-algorithm-unsupported
			token-audience-mismatch token-expired token-issuer-mismatch token-key-id-missing
			token-lifetime-too-long token-malformed token-no-expiry token-not-yet-valid token-subject-mismatch
			token-type-unsupported`)},
		{"it is about the way to a service", strings.Fields(`
			network-connect network-dns network-proxy network-timeout network-tls`)},
		{"the app sends its own ids and its own flow to Entra, which refuses neither", strings.Fields(`
			client-malformed tenant-malformed unexpected-flow`)},
		{"it passes within moments: two writers, or replicas, were at odds, or a probe met somebody", strings.Fields(`
			blob-exists blob-not-found condition-not-met ddoe-create-unsettled directory-not-replicated
			managed-identity-busy managed-identity-not-replicated object-already-exists object-not-found
			object-still-there role-assignment-exists role-assignment-name-conflict`)},
		{"it is about a probe's own requests, which a test of package access disturbs one by one", strings.Fields(`
			blob-leased content-mismatch data-protected not-recognised-success oracle-undecided
			overwrite-not-permitted probe-not-listed probe-not-removed protection-unknown
			storage-version-unsupported`)},
		{"it is about the platform's API, or what is set up of it, before anything of an integration", strings.Fields(`
			ddoe-answer-invalid ddoe-api-key-expiring ddoe-api-off ddoe-api-usable ddoe-forbidden ddoe-not-found
			ddoe-option-unmapped ddoe-options-changed ddoe-throttled ddoe-type-unknown ddoe-unavailable`)},
		{"it is of the platform's side, told by drift, test, health and operation through the one kind that sees " +
			"it: its tests", strings.Fields(`
			ddoe-driver-changed ddoe-driver-foreign ddoe-driver-not-deleted ddoe-driver-test-failed
			ddoe-driver-unchanged ddoe-driver-unwanted ddoe-integration-changed ddoe-integration-in-use
			ddoe-integration-not-deleted ddoe-integration-not-used ddoe-integration-unchanged
			ddoe-integration-unknown ddoe-integration-unwanted ddoe-organization-unknown ddoe-project-elsewhere
			ddoe-project-unknown ddoe-validation-failed ddoe-validation-slow`)},
		{"a look at what is there tells more, so only a service that may not look tells it: " +
			"TestARefusalWithoutALookStays in package health",
			strings.Fields(`
			credential-audience-mismatch credential-flexible-unsupported credential-issuer-mismatch
			credential-mismatch credential-subject-case-mismatch credential-subject-mismatch`)},
		{"an operation waits for minutes before it tells it, as the answer is also that of a replica that lags",
			[]string{"unique-name-taken"}},
	}
}

const ofInput = `
	audience-blank audience-blank-edge audience-case audience-copied audience-custom audience-default-scope
	audience-encoding audience-invisible-character audience-other-cloud audience-placeholder audience-quoted
	audience-required audience-secret audience-too-long audience-trailing-slash client-id-blank-edge
	client-id-copied client-id-encoding client-id-invisible-character client-id-is-tenant-id client-id-microsoft
	client-id-nil client-id-not-guid client-id-placeholder client-id-quoted client-id-required client-id-secret
	ddoe-blank-edge ddoe-container-required ddoe-control-character ddoe-encoding ddoe-integration-required
	ddoe-one-storage ddoe-organization-required ddoe-project-required ddoe-secret ddoe-too-long
	ddoe-write-required display-name-blank-edge display-name-control-character display-name-encoding
	display-name-secret display-name-too-long duplicate-storage duplicate-subject file-byte-order-mark file-empty
	file-encoding file-member-duplicate file-member-misnamed file-member-missing file-member-unknown file-missing
	file-not-json file-not-object file-not-text file-other-format file-secret file-too-large file-trailing-data
	file-value-not-string file-wrapped file-wrong-kind form-client-id-mismatch form-ids-swapped
	form-tenant-id-mismatch invalid-access invalid-container invalid-credential-file invalid-driver-path
	invalid-identity invalid-interval invalid-mode invalid-prefix invalid-resource-id invalid-service-name
	invalid-spec issuer-address issuer-blank-edge issuer-copied issuer-discovery-path issuer-encoding issuer-entra
	issuer-fragment issuer-host-case issuer-invisible-character issuer-local issuer-not-https
	issuer-other-platform issuer-placeholder issuer-port issuer-query issuer-quoted issuer-required issuer-secret
	issuer-subject-swapped issuer-too-long issuer-unexpected issuer-user-info malformed-form missing-subject
	service-name-without-template storage-required subject-blank-edge subject-copied subject-encoding
	subject-invisible-character subject-other-platform subject-placeholder subject-quoted subject-required
	subject-secret subject-service-account subject-too-long subject-unexpected subject-wildcard tenant-id-alias
	tenant-id-blank-edge tenant-id-copied tenant-id-domain tenant-id-encoding tenant-id-invisible-character
	tenant-id-microsoft tenant-id-nil tenant-id-not-guid tenant-id-placeholder tenant-id-quoted tenant-id-required
	tenant-id-secret tenant-not-served too-many-storage too-many-subjects values-swapped`
