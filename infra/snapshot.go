// Package infra holds the committed outcome of the Bicep files, for what is made from it: the sandbox has the queues
// and rights that a deployment has because it reads them here. The app knows nothing of it.
package infra

import _ "embed"

// Never assigned: an embedded file needs a variable.
var (
	//go:embed main.snapshot.json
	snapshot string
	//go:embed graph.bicep
	graph string
)

// Snapshot is main.snapshot.json: the list of resources that main.bicep makes of the example parameters.
func Snapshot() string { return snapshot }

// Graph is graph.bicep, the right in Entra. The compiler makes no snapshot of it: it has no Azure resources.
func Graph() string { return graph }
