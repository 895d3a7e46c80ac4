package access

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/integration"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// The titles of the checks where they pass.
const (
	titleNetwork = "The storage account answers and takes the token"
	titleList    = "The container can be listed"
	titleRead    = "Blobs can be read"
	titleWrite   = "Blobs can be written"
	titleDelete  = "Blobs can be deleted"
)

// state is what the preflight found out about the container.
type state int

const (
	unreachable state = iota // Storage did not answer us, or not to this token
	missing                  // there is no such container
	immutable                // what is written cannot be deleted
	unseen                   // whether it is immutable cannot be read
	writable
)

// probe tests the rights in one container.
type probe struct {
	target *target
	client *container.Client
}

// preflight reads the container's properties. Its answer reports whether Storage can be reached and takes the token,
// and whether a blob that is written could be deleted again.
func (p *probe) preflight(ctx context.Context) state {
	const protection = "Nothing protects blobs from deletion"
	o := p.target
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	properties, err := p.client.GetProperties(ctx, nil)
	switch {
	case err != nil && !isPastNetworkRules(err):
		o.add(o.from(checkNetwork, "network", titleNetwork, err))
		return unreachable
	case status(err) == http.StatusNotFound:
		o.add(o.passed(checkNetwork, "network", titleNetwork))
		return missing
	case err != nil:
		o.add(o.passed(checkNetwork, "network", titleNetwork))
		check := classify.Check(checkProtection, "protection", protection,
			&diagnosis.Error{Diagnosis: diagnosis.New(diagnosis.CodeProtectionUnknown,
				diagnosis.WithContext(o.context(policy.ContainerProperties)))}, o.context(policy.ContainerProperties))
		check.Status, check.Remedy = diagnosis.OutcomeSkip, nil // nothing waits for it
		o.add(check)
		return unseen
	}
	o.add(o.passed(checkNetwork, "network", titleNetwork))
	if isTrue(properties.HasImmutabilityPolicy) || isTrue(properties.HasLegalHold) ||
		isTrue(properties.IsImmutableStorageWithVersioningEnabled) {
		if o.wanted == integration.AccessReadWrite {
			o.fault(checkProtection, "protection", diagnosis.CodeImmutableContainer)
		} else {
			o.add(o.passed(checkProtection, "protection", "The container is immutable; nothing is written"))
		}
		return immutable
	}
	o.add(o.passed(checkProtection, "protection", protection))
	return writable
}

// isPastNetworkRules tells whether a refusal comes from behind network rules and authentication: rights or existence.
func isPastNetworkRules(err error) bool {
	switch code(err) {
	case "AuthorizationPermissionMismatch", "ContainerBeingDeleted", "ContainerDisabled":
		return true
	default:
		return status(err) == http.StatusNotFound
	}
}

// rights tests list, read, write and delete, by a round trip where that is wanted and allowed, else by oracle.
func (p *probe) rights(ctx context.Context, s state) {
	o := p.target
	if s == missing {
		err := p.list(ctx, o.name("none"), nil)
		if err != nil {
			o.add(o.from(checkList, "list", titleList, err))
			o.skipAfterList()
			return
		}
		s = unseen // one replica knows the container, another one does not yet
	}
	if s == writable && o.wanted == integration.AccessReadWrite && o.test.request.Mode == ModeRoundtrip {
		p.roundtrip(ctx)
		return
	}
	p.listOracle(ctx)
	p.readOracle(ctx)
	if s == immutable {
		o.skipProtected()
		return
	}
	p.writeOracle(ctx)
	p.deleteOracle(ctx)
}

// listOracle lists at most one blob under a name that was never used.
func (p *probe) listOracle(ctx context.Context) {
	o := p.target
	err := p.list(ctx, o.name("none"), nil)
	o.reached = o.reached || err == nil
	o.add(o.from(checkList, "list", titleList, err))
}

// readOracle asks for a blob that was never written: "not found" shows that the right is there.
func (p *probe) readOracle(ctx context.Context) {
	o := p.target
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	_, err := p.client.NewBlobClient(o.name("none")).GetProperties(ctx, nil)
	switch {
	case err == nil:
		o.fault(checkRead, "read", diagnosis.CodeNotRecognisedSuccess)
	case code(err) == "BlobNotFound":
		o.reached = true
		o.add(told(o.passed(checkRead, "read", titleRead)))
	default:
		o.add(o.from(checkRead, "read", titleRead, err))
	}
}

// writeOracle overwrites, on condition that it exists, a blob that was never written: "condition not met" shows that
// the right is there. Should the account ignore the condition, the blob is removed at once.
func (p *probe) writeOracle(ctx context.Context) {
	o := p.target
	call, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	name := o.name("oracle")
	answer, err := p.client.NewBlockBlobClient(name).Upload(call, streaming.NopCloser(bytes.NewReader(nil)),
		&blockblob.UploadOptions{
			Metadata:         o.metadata(),
			AccessConditions: onlyVersion(azcore.ETagAny),
		})
	if err == nil {
		o.add(o.granted(checkWrite, "write", titleWrite))
		p.remove(ctx, name, etag(answer.ETag), nil)
		return
	}
	if code(err) == "ConditionNotMet" && status(err) == http.StatusPreconditionFailed {
		o.add(told(o.granted(checkWrite, "write", titleWrite)))
		return
	}
	o.add(o.refusal(checkWrite, "write", titleWrite, err))
}

// deleteOracle deletes a blob that was never written: "not found" shows that the right is there.
func (p *probe) deleteOracle(ctx context.Context) {
	o := p.target
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	_, err := p.client.NewBlobClient(o.name("none")).Delete(ctx, nil)
	switch {
	case err == nil:
		o.fault(checkDelete, "delete", diagnosis.CodeNotRecognisedSuccess)
	case code(err) == "BlobNotFound":
		o.add(told(o.granted(checkDelete, "delete", titleDelete)))
	default:
		o.add(o.refusal(checkDelete, "delete", titleDelete, err))
	}
}

// list reads one page of at most one blob under exactly the prefix; found, where it is given, is called for it.
func (p *probe) list(ctx context.Context, prefix string, found func(name string)) error {
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	one := int32(1)
	page, err := p.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix, MaxResults: &one}).
		NextPage(ctx)
	if err != nil {
		return err
	}
	if page.Segment == nil || found == nil {
		return nil
	}
	for _, item := range page.Segment.BlobItems {
		if item.Name != nil {
			found(*item.Name)
		}
	}
	return nil
}

// granted is the check of a right to write or delete that is there: wanted by an integration that writes, too much for
// one that reads.
func (o *target) granted(id, layer, title string) assessment.Check {
	if o.intended == integration.AccessReadWrite || o.wanted == integration.AccessReadWrite {
		o.reached = true
		return o.passed(id, layer, title)
	}
	check := assessment.CheckOf(id, layer, diagnosis.New(diagnosis.CodeOverPrivileged,
		diagnosis.WithContext(o.context(policy.Operation(id)))))
	check.Target, check.Field = o.url, o.pointer
	return check
}

// refusal is the check of a right to write or delete that is not there, or could not be asked for.
func (o *target) refusal(id, layer, title string, err error) assessment.Check {
	if o.wanted == integration.AccessRead && code(err) == "AuthorizationPermissionMismatch" {
		return o.passed(id, layer, "Refused, as it should be for read access")
	}
	return o.from(id, layer, title, err)
}

// told adds to a pass that it was concluded from a refusal.
func told(check assessment.Check) assessment.Check {
	if check.Status == diagnosis.OutcomePass {
		check.Detail = "Told by how Storage refuses a request about a blob that never was; nothing was written."
	}
	return check
}

func (o *target) passed(id, layer, title string) assessment.Check {
	check := passed(id, layer, title)
	check.Target = o.url
	return check
}

// skipAfterList skips what a container that cannot be listed at all makes meaningless.
func (o *target) skipAfterList() {
	for _, right := range []struct{ layer, title string }{{"read", titleRead}, {"write", titleWrite},
		{"delete", titleDelete}} {
		check := assessment.Skip("access."+right.layer, right.layer, right.title, checkList)
		check.Target = o.url
		o.add(check)
	}
}

// skipProtected skips the rights that cannot be told without risking a blob that nobody can delete.
func (o *target) skipProtected() {
	for _, right := range []struct{ layer, title string }{{"write", titleWrite}, {"delete", titleDelete}} {
		check := assessment.Skip("access."+right.layer, right.layer, right.title, checkProtection)
		check.Target, check.Code = o.url, diagnosis.CodeImmutableContainer
		check.Detail = "Not tested, because a probe blob could not be removed from an immutable container."
		o.add(check)
	}
}

// metadata marks a blob as ours.
func (o *target) metadata() map[string]*string {
	purpose, id := "ddoe-wif-access-test", o.test.id
	expires := stamp(o.test.tester.now().Add(time.Hour))
	return map[string]*string{metaPurpose: &purpose, metaRun: &id, metaExpires: &expires}
}

// name is a blob name that nobody else has: {prefix}/.ddoe-wif-probe-{integration}-{UTC}-{128 random bits}, with a
// suffix for the names that are never written. It has no folder of its own, which would stay in a hierarchical
// namespace.
func (o *target) name(suffix string) string {
	name := ".ddoe-wif-probe-" + o.test.request.Document.ID + "-" + o.test.tester.now().UTC().Format(
		"20060102T150405Z") + "-" + o.random
	if o.test.request.Prefix != "" {
		name = o.test.request.Prefix + "/" + name
	}
	if suffix != "" {
		name += "-" + suffix
	}
	return name
}

// code is Storage's error code; empty where Storage did not answer, or asks for patience: that anybody may have sent,
// and it proves no right.
func code(err error) string {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) && policy.IsRefusal(err) && answer.StatusCode != http.StatusTooManyRequests {
		return answer.ErrorCode
	}
	return ""
}

// status is the status of Storage's refusal; 0 where Storage did not answer.
func status(err error) int {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return answer.StatusCode
	}
	return 0
}

func isTrue(flag *bool) bool { return flag != nil && *flag }

// onlyVersion is the condition that the blob is of this version; of azcore.ETagAny, that there is a blob.
func onlyVersion(tag azcore.ETag) *blob.AccessConditions {
	return &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: &tag}}
}

// onlyNew is the condition that there is no blob.
func onlyNew() *blob.AccessConditions {
	return &blob.AccessConditions{
		ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: new(azcore.ETagAny)},
	}
}

func etag(tag *azcore.ETag) azcore.ETag {
	if tag == nil {
		return ""
	}
	return *tag
}
