package access

import (
	"context"
	"strings"

	"github.com/ddoe-ai/azure-wif/functions/internal/assessment"
	"github.com/ddoe-ai/azure-wif/functions/internal/diagnosis"
)

// directoryMark is the metadata by which a directory of a hierarchical namespace is told from a blob.
const directoryMark = "hdi_isfolder"

// missingFolders are the folders of the request's prefix that are not there, the innermost first. In a hierarchical
// namespace writing a blob makes them, and deleting it leaves them; elsewhere there are no folders, and none is there
// before or after. Source: https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-known-issues.
func (p *probe) missingFolders(ctx context.Context) []string {
	var missing []string
	for folder := p.target.test.request.Prefix; folder != ""; folder = parentOf(folder) {
		if p.hasNothing(ctx, folder) {
			missing = append(missing, folder)
		}
	}
	return missing
}

func parentOf(folder string) string { return folder[:max(0, strings.LastIndexByte(folder, '/'))] }

func (p *probe) hasNothing(ctx context.Context, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	_, err := p.client.NewBlobClient(name).GetProperties(ctx, nil)
	return code(err) == "BlobNotFound"
}

// removeFolders removes the folders that this test has made, as far as they are empty: the service refuses to delete
// one that is not. What stays is reported.
func (p *probe) removeFolders(ctx context.Context, made []string) {
	o := p.target
	for _, folder := range made {
		client := p.client.NewBlobClient(folder)
		found, err := client.GetProperties(ctx, nil)
		if code(err) == "BlobNotFound" || err == nil && !isDirectory(found.Metadata) {
			continue
		}
		if err == nil {
			_, err = client.Delete(ctx, nil)
		}
		if err == nil || code(err) == "BlobNotFound" || code(err) == "DirectoryIsNotEmpty" { // somebody uses it by now
			continue
		}
		where := o.context("access.cleanup")
		where.Target, where.Blob = o.blobURL(folder), folder
		stays := diagnosis.New(diagnosis.CodeProbeNotRemoved, diagnosis.WithContext(where))
		o.leftovers = append(o.leftovers, assessment.Leftover{URL: where.Target, Reason: reason(err, where),
			Remedy: stays.Remedy.Command})
	}
}

func isDirectory(metadata map[string]*string) bool {
	for name, value := range metadata {
		if strings.EqualFold(name, directoryMark) && value != nil && *value == "true" {
			return true
		}
	}
	return false
}
