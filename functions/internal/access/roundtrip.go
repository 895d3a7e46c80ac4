package access

import (
	"bytes"
	"context"
	"io"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis/classify"
	"github.com/ddoe-ai/azure-wif/functions/internal/policy"
)

// The metadata of a probe blob. Names are C# identifiers, as Storage wants them.
const (
	metaPurpose = "purpose"
	metaRun     = "run"
	metaExpires = "expires"
)

// roundtrip writes a small blob, reads it back, lists it, and removes it. A right that is refused does not keep the
// others from being tested.
func (p *probe) roundtrip(ctx context.Context) {
	o := p.target
	name := o.name("")
	content := []byte("ddoe-wif " + o.test.id)
	folders := p.missingFolders(ctx)
	tag, written, err := p.write(ctx, name, content)
	if !written {
		o.add(o.from(checkWrite, "write", titleWrite, err))
		p.listOracle(ctx)
		p.readOracle(ctx)
		p.deleteOracle(ctx)
		return
	}
	// Whatever happens below, the blob is removed, and last.
	defer p.remove(ctx, name, tag, folders)
	o.reached = true
	o.add(o.passed(checkWrite, "write", titleWrite))
	p.readBack(ctx, name, content, tag)
	p.listBack(ctx, name)
}

// write makes the blob, on condition that there is none. An answer that got lost does not mean that nothing was
// written, so after one the blob is looked for.
func (p *probe) write(ctx context.Context, name string, content []byte) (azcore.ETag, bool, error) {
	call, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	answer, err := p.client.NewBlockBlobClient(name).Upload(call, streaming.NopCloser(bytes.NewReader(content)),
		&blockblob.UploadOptions{
			Metadata:         p.target.metadata(),
			AccessConditions: onlyNew(),
		})
	if err == nil {
		return etag(answer.ETag), true, nil
	}
	if policy.Decide(policy.ProbeWrite, err).Action == policy.GiveUp {
		return "", false, err
	}
	tag, found := p.ours(ctx, name)
	return tag, found, err
}

// ours looks for the blob, and reports whether this test wrote it.
func (p *probe) ours(ctx context.Context, name string) (azcore.ETag, bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callBudget)
	defer cancel()
	found, err := p.client.NewBlobClient(name).GetProperties(ctx, nil)
	if err != nil {
		return "", false
	}
	for key, value := range found.Metadata {
		if strings.EqualFold(key, metaRun) && value != nil && *value == p.target.test.id {
			return etag(found.ETag), true
		}
	}
	return "", false
}

// readBack reads the blob and compares content and version with what was written.
func (p *probe) readBack(ctx context.Context, name string, content []byte, tag azcore.ETag) {
	o := p.target
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	answer, err := p.client.NewBlobClient(name).DownloadStream(ctx, nil)
	if err != nil {
		o.add(o.from(checkRead, "read", titleRead, err))
		return
	}
	defer func() { _ = answer.Body.Close() }()
	read, err := io.ReadAll(io.LimitReader(answer.Body, int64(len(content))+1))
	switch {
	case err != nil:
		o.add(o.from(checkRead, "read", titleRead, err))
	case !bytes.Equal(read, content) || etag(answer.ETag) != tag:
		o.fault(checkRead, "read", diagnosis.CodeContentMismatch)
	default:
		o.add(o.passed(checkRead, "read", titleRead))
	}
}

// listBack lists with the blob's name as prefix and looks for it.
func (p *probe) listBack(ctx context.Context, name string) {
	o := p.target
	listed := false
	err := p.list(ctx, name, func(found string) { listed = listed || found == name })
	if err == nil && !listed {
		o.fault(checkList, "list", diagnosis.CodeProbeNotListed)
		return
	}
	o.add(o.from(checkList, "list", titleList, err))
}

// remove deletes the blob of that version and makes sure that it is gone, and the folders that it has brought. It
// works on a context of its own: the test's may have run out, and the blob must not stay for that. What stays is
// reported.
func (p *probe) remove(ctx context.Context, name string, tag azcore.ETag, folders []string) {
	o := p.target
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupBudget)
	defer cancel()
	client := p.client.NewBlobClient(name)
	err := p.deleteVersion(ctx, client, tag)
	if err == nil {
		o.add(o.granted(checkDelete, "delete", titleDelete))
	} else {
		o.add(o.from(checkDelete, "delete", titleDelete, err))
	}
	_, gone := client.GetProperties(ctx, nil)
	if code(gone) == "BlobNotFound" {
		p.removeFolders(ctx, folders)
		o.add(o.passed("access.cleanup", "cleanup", "The probe blob is gone"))
		return
	}
	where := o.context("access.cleanup")
	where.Target, where.Blob = o.blobURL(name), name
	d := diagnosis.New(diagnosis.CodeProbeNotRemoved, diagnosis.WithContext(where))
	check := assessment.CheckOf("access.cleanup", "cleanup", d)
	if look := classify.Check("access.cleanup", "cleanup", "", gone, where); look.Status == diagnosis.OutcomeUnknown {
		check = look // nobody knows whether it stays: that is no fault of the integration
	}
	check.Target = o.url
	o.add(check)
	o.leftovers = append(o.leftovers, assessment.Leftover{URL: where.Target, Reason: reason(err, where),
		Remedy: d.Remedy.Command})
}

// deleteVersion deletes the version that was written, trying again where the answer may be another one next time.
func (p *probe) deleteVersion(ctx context.Context, client *blob.Client, tag azcore.ETag) error {
	for repeats := 0; ; repeats++ {
		_, err := client.Delete(ctx, &blob.DeleteOptions{AccessConditions: onlyVersion(tag)})
		if err == nil {
			return nil
		}
		decision := policy.Decide(policy.ProbeDelete, err)
		switch {
		case decision.Action == policy.NotThere:
			return nil
		case decision.Action != policy.RetryHere || repeats >= decision.Attempts || ctx.Err() != nil:
			return err
		}
	}
}

// reason is why a blob stayed, as code and title.
func reason(err error, c diagnosis.Context) string {
	if err == nil {
		return "The delete was accepted, but the blob is still there."
	}
	d := classify.Error(err, c)
	return string(d.Code) + ": " + d.Title
}
