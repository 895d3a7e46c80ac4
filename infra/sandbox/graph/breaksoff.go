package graph

import "bytes"

// breaksOff is the value at which an answer of v1.0 breaks off: a flexible credential has no subject, and the schema
// of v1.0 wants one. The status has been sent by then. Source:
// https://github.com/Azure/azure-workload-identity/issues/373.
type breaksOff struct{}

// mark is what no other value of an answer holds.
const mark = `"\u0000breaks off\u0000"`

// MarshalJSON implements json.Marshaler.
func (breaksOff) MarshalJSON() ([]byte, error) { return []byte(mark), nil }

// cutOff ends a body where it breaks off, with the error that the service writes there.
func cutOff(body []byte) []byte {
	before, _, broken := bytes.Cut(body, []byte(mark))
	if !broken {
		return body
	}
	return append(before, `{"error":{"code":"InternalServerError","message":"The property 'subject[Nullable=False]' `+
		`of type 'Edm.String' has a null value, which is not allowed."}}`...)
}
