package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// SpecVersion names the version of the spec: which life of the integration, and which generation in it. It is what
// callers see as ETag and send as If-Match. What is written into the status changes it not: a caller who changes the
// spec that they have read loses nothing to a health check in between. It is empty where there is no document.
func SpecVersion(d Document) string {
	if d.ETag == "" {
		return ""
	}
	life := sha256.Sum256([]byte(d.FirstOperationID))
	return fmt.Sprintf("%d-%s", d.Generation, hex.EncodeToString(life[:4]))
}
