// Log is an independent reader, writer and client of transparency logs: it knows of Waymark nothing but the formats,
// and stands on golang.org/x/mod/sumdb, which verifies Go's own checksum database.
//
//	log key NAME                          prints a new signing key and its verifier key
//	log check VKEY LOG [OLD...]           checks every record of a log, and that it adds to older checkpoints
//	log proof VKEY FILE LEAF              checks an offline proof of a leaf
//	log make SKEY DIR SIZE...             writes a log of its own, at each of the growing sizes
//	log witness SKEY URL VKEY             has a log of its own cosigned by a witness, and is refused where it must be
//
// LOG is a folder or an address.
package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "key":
		skey, vkey, err := note.GenerateKey(rand.Reader, args[1])
		if err == nil {
			fmt.Println(skey)
			fmt.Println(vkey)
		}
		return err
	case len(args) >= 3 && args[0] == "check":
		return check(args[1], args[2], args[3:])
	case len(args) == 4 && args[0] == "proof":
		return checkProof(args[1], args[2], args[3])
	case len(args) >= 4 && args[0] == "make":
		sizes := make([]int64, 0, len(args))
		for _, arg := range args[3:] {
			size, err := strconv.ParseInt(arg, 10, 64)
			if err != nil {
				return err
			}
			sizes = append(sizes, size)
		}
		return makeLog(args[1], args[2], sizes)
	case len(args) == 4 && args[0] == "witness":
		return askWitness(args[1], args[2], args[3])
	}
	return fmt.Errorf("usage: log key|check|proof|make|witness ...")
}
