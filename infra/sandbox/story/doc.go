// Package story holds the end-to-end tests: the packaged handler, started by the Functions host stand-in or by the
// real host, driven over HTTP and AMQP like any caller drives it, and judged by what is then in the sandbox's world.
// It holds no code but tests.
package story
