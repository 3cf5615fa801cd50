// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"os"
	"strconv"
)

// What the program is asked to measure: the same command line as every peer's. CPUs are given from outside, by taskset:
// goroutines are no threads.
type arguments struct {
	workload   string
	placement  string
	operations int
	callers    int
}

func readArguments() arguments {
	asked := arguments{workload: "w1", placement: "same", operations: 100_000, callers: 1}
	words := os.Args[1:]
	for ; len(words) >= 2; words = words[2:] {
		switch words[0] {
		case "--workload":
			asked.workload = words[1]
		case "--placement":
			asked.placement = words[1]
		case "--operations":
			asked.operations = number(words[1])
		case "--producers":
			asked.callers = number(words[1])
		case "--cpus":
		default:
			refuse()
		}
	}
	if len(words) != 0 {
		refuse()
	}
	return asked
}

func number(word string) int {
	value, err := strconv.Atoi(word)
	if err != nil {
		refuse()
	}
	return value
}

func refuse() {
	fmt.Fprintln(os.Stderr, "--workload NAME [--placement same|cross] [--operations N] [--producers P]")
	os.Exit(2)
}

type figure struct {
	name  string
	value float64
}

func (asked arguments) print(figures []figure) {
	fmt.Printf(`{"peer": "go", "variant": "", "workload": %q, "placement": %q, "producers": %d, "operations": %d`,
		asked.workload, asked.placement, asked.callers, asked.operations)
	for _, one := range figures {
		fmt.Printf(`, %q: %.3f`, one.name, one.value)
	}
	fmt.Println("}")
}
