package provision_test

import (
	"testing"
	"time"
)

// BenchmarkHops measures a run in real time: from the request, or the command, to the end of the operation, with
// services that take their time (latencies) for each answer and no network between. A batch takes as long as one
// request: how long Graph works at the requests within is not known. Its columns:
//
//   - hops: round trips to Graph and ARM of the chain that takes longest
//   - graph, arm, login, store: round trips to each; in-batch: requests within batches
//   - s: what it takes; ratio: that, to the latencies of the longest chain of round trips, the store's included
//
// A run that does not end as it should, or writes where nothing is to be done, fails the benchmark.
func BenchmarkHops(b *testing.B) {
	for _, j := range journeys() {
		b.Run(j.String(), func(b *testing.B) {
			var all time.Duration
			var waits time.Duration
			var last traffic
			runs := 0
			for b.Loop() {
				b.StopTimer()
				f := j.begin(b)
				f.latency = latencies()
				b.StartTimer()
				got, wall := f.measure(func() { j.run(f, j.subjects) })
				if ends := f.counts(); ends != j.ends {
					b.Fatalf("ended with %+v, not with %+v", ends, j.ends)
				}
				if writes := got.writes[serviceGraph] + got.writes[serviceARM]; writes != j.writes {
					b.Fatalf("%d writes, not %d", writes, j.writes)
				}
				all, waits, last, runs = all+wall, waits+got.waits, got, runs+1
			}
			b.ReportMetric(0, "ns/op") // the columns say more
			b.ReportMetric(float64(last.hops), "hops")
			for _, service := range []string{serviceGraph, serviceARM, serviceLogin, serviceStore} {
				b.ReportMetric(float64(last.reads[service]+last.writes[service]), service)
			}
			b.ReportMetric(float64(last.batched), "in-batch")
			b.ReportMetric(all.Seconds()/float64(runs), "s")
			b.ReportMetric(float64(all)/float64(waits), "ratio")
		})
	}
}
