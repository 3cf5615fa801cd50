// SPDX-License-Identifier: MIT

// Go: a goroutine as the loop, which takes functions from a channel; results come back by a channel of the caller's.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const burst = 1024

type loop chan func()

func startLoop() loop {
	calls := make(loop, burst)
	go func() {
		for function := range calls {
			function()
		}
	}()
	return calls
}

func atMost(value, most int) int {
	if value > most {
		return most
	}
	return value
}

func atLeast(value, least int) int {
	if value < least {
		return least
	}
	return value
}

func quantile(sorted []int32, part float64) float64 {
	return float64(sorted[int(part*float64(len(sorted)-1))])
}

func roundTrips(asked arguments, call func(done chan int)) []figure {
	each := asked.operations / asked.callers
	samples := make([][]int32, asked.callers)
	for number := range samples {
		samples[number] = make([]int32, each)
	}
	warmUp := atMost(each/4, 20_000/asked.callers)
	ns := runCallers(asked.callers, warmUp, each, func(number, operations int) {
		done := make(chan int, 1)
		mine := samples[number]
		before := time.Now()
		for i := 0; i < operations; i++ {
			call(done)
			if <-done != 1 {
				panic("the result of a call")
			}
			now := time.Now()
			mine[i] = int32(now.Sub(before))
			before = now
		}
	})
	figures := []figure{{"ns", ns / float64(each*asked.callers)}}
	if asked.callers == 1 {
		mine := samples[0]
		sort.Slice(mine, func(i, j int) bool { return mine[i] < mine[j] })
		figures = append(figures, figure{"p50", quantile(mine, 0.5)}, figure{"p99", quantile(mine, 0.99)},
			figure{"p999", quantile(mine, 0.999)})
	}
	return figures
}

func bursts(asked arguments, calls loop) []figure {
	each := atLeast(asked.operations/asked.callers/burst, 1)
	ns := runCallers(asked.callers, atMost(each, 32), each, func(_, bursts int) {
		results := make(chan int, burst)
		answer := func() { results <- 1 }
		for ; bursts > 0; bursts-- {
			for i := 0; i < burst; i++ {
				calls <- answer
			}
			sum := 0
			for i := 0; i < burst; i++ {
				sum += <-results
			}
			if sum != burst {
				panic("the results of a burst")
			}
		}
	})
	return []figure{{"ns", ns / float64(each*burst*asked.callers)}}
}

// The channel holds 1024: nobody can have 64k outstanding, so no other bound is needed.
func fires(asked arguments, calls loop) []figure {
	each := atLeast(asked.operations/asked.callers, 1)
	ns := runCallers(asked.callers, atMost(each, 131_072), each, func(_, operations int) {
		allHaveRun := make(chan struct{})
		var ran atomic.Int64
		addOne := func() {
			if now := ran.Load() + 1; now == int64(operations) {
				close(allHaveRun)
			} else {
				ran.Store(now)
			}
		}
		for i := 0; i < operations; i++ {
			calls <- addOne
		}
		<-allHaveRun
	})
	return []figure{{"ns", ns / float64(each*asked.callers)}}
}

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		panic(err)
	}
	return float64(pages * os.Getpagesize())
}

// A channel for each call: the caller keeps it, and the loop does, to answer some day.
func held(asked arguments, calls loop) []figure {
	before := residentBytes()
	theirs := make([]chan int, 0, asked.operations)
	ours := make([]chan int, 0, asked.operations)
	for i := 0; i < asked.operations; i++ {
		done := make(chan int, 1)
		ours = append(ours, done)
		calls <- func() { theirs = append(theirs, done) }
	}
	all := make(chan int)
	calls <- func() { all <- len(theirs) }
	if <-all != len(ours) {
		panic("held calls")
	}
	debug.FreeOSMemory() // what was needed to make the calls is not what they take
	bytes := residentBytes() - before
	runtime.KeepAlive(theirs)
	runtime.KeepAlive(ours)
	return []figure{{"bytes", bytes / float64(asked.operations)}, {"ns", 0}}
}

func main() {
	asked := readArguments()
	calls := startLoop()
	switch asked.workload {
	case "w1", "w6":
		asked.print(roundTrips(asked, func(done chan int) { calls <- func() { done <- 1 } }))
	case "w2":
		asked.print(bursts(asked, calls))
	case "w3":
		asked.print(fires(asked, calls))
	case "w4":
		asked.print(roundTrips(asked, func(done chan int) {
			calls <- func() { time.AfterFunc(0, func() { calls <- func() { done <- 1 } }) }
		}))
	case "w5":
		asked.print(held(asked, calls))
	default:
		fmt.Fprintln(os.Stderr, "go leaves out", asked.workload)
		os.Exit(3)
	}
}
