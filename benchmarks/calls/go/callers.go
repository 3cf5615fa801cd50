// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"
)

// Goroutines that call: warmed up, then started together. work is called with warmUp, then with operations. The
// nanoseconds from the first beginning to the last end.
func runCallers(callers, warmUp, operations int, work func(number, operations int)) float64 {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	begins := make([]time.Time, callers)
	ends := make([]time.Time, callers)
	ready.Add(callers)
	done.Add(callers)
	for number := 0; number < callers; number++ {
		number := number
		go func() {
			work(number, warmUp)
			ready.Done()
			<-begin
			begins[number] = time.Now()
			work(number, operations)
			ends[number] = time.Now()
			done.Done()
		}()
	}
	ready.Wait()
	close(begin)
	done.Wait()
	first, last := begins[0], ends[0]
	for number := range begins {
		if begins[number].Before(first) {
			first = begins[number]
		}
		if ends[number].After(last) {
			last = ends[number]
		}
	}
	return float64(last.Sub(first))
}
