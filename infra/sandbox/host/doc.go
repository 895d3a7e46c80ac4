// Package host stands in for the Azure Functions host, as far as a custom handler can tell the difference: it reads
// host.json and <function>/function.json, starts the handler as its own process, routes HTTP to it in proxying or
// forwarding mode, and hands it Service Bus messages and timer ticks in the JSON envelope of a real host, with the
// real host's rules for readiness, restarts, redelivery and time-outs.
//
// It leaves out what our functions do not use: output bindings other than HTTP, batches (cardinality many), retry
// policies, HTTP in payload mode, keys, Durable, scaling. A function that asks for one of these is reported as being
// in error, and the others run.
package host
