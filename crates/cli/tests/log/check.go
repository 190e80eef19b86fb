package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Tiles of a log, for tlog.TileHashReader, which believes none of them before they lead to the root.
type tiles struct{ log string }

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, 0, len(wanted))
	for _, tile := range wanted {
		bytes, err := read(t.log, tilePath(tile))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func check(vkey, log string, old []string) error {
	msg, err := read(log, "checkpoint")
	if err != nil {
		return err
	}
	tree, _, err := openCheckpoint(vkey, msg)
	if err != nil {
		return err
	}
	if tree.N == 0 {
		// x/mod has no root of the empty tree; RFC 6962, section 2.1, has the hash of nothing.
		if tree.Hash != sha256.Sum256(nil) {
			return fmt.Errorf("the empty log has another root")
		}
		fmt.Println("0 records")
		return nil
	}
	reader := tlog.TileHashReader(tree, tiles{log})
	records, err := readRecords(log, tree, reader)
	if err != nil {
		return err
	}
	if err := checkRecords(tree, records, reader); err != nil {
		return err
	}
	for _, path := range old {
		msg, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		older, _, err := openCheckpoint(vkey, msg)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		// x/mod has no proof from the empty tree: anything adds to it.
		if older.N == 0 {
			continue
		}
		proof, err := tlog.ProveTree(tree.N, older.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
			return fmt.Errorf("from %d to %d: %w", older.N, tree.N, err)
		}
	}
	fmt.Printf("%d records, consistent with %d older checkpoints\n", tree.N, len(old))
	return nil
}

// Reads the hash of every entry from the bundles, and compares it with the tile's.
func readRecords(log string, tree tlog.Tree, reader tlog.HashReader) ([]tlog.Hash, error) {
	records := make([]tlog.Hash, 0, tree.N)
	for first := int64(0); first < tree.N; first += 1 << height {
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: 1 << height}
		if tree.N-first < 1<<height {
			tile.W = int(tree.N - first)
		}
		bundle, err := read(log, tilePath(tile))
		if err != nil {
			return nil, err
		}
		entries, err := splitBundle(bundle, tile.W)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tilePath(tile), err)
		}
		indexes := make([]int64, 0, tile.W)
		for i := range entries {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(i)))
		}
		leaves, err := reader.ReadHashes(indexes)
		if err != nil {
			return nil, err
		}
		for i, entry := range entries {
			if tlog.RecordHash(entry) != leaves[i] {
				return nil, fmt.Errorf("entry %d is not the leaf in the tree", first+int64(i))
			}
		}
		records = append(records, leaves...)
	}
	return records, nil
}

// Proves every record from hashes that the records alone give, and some from the log's tiles.
func checkRecords(tree tlog.Tree, records []tlog.Hash, reader tlog.HashReader) error {
	var own hashes
	for n, record := range records {
		if err := own.add(int64(n), record); err != nil {
			return err
		}
	}
	if root, err := tlog.TreeHash(tree.N, own); err != nil || root != tree.Hash {
		return fmt.Errorf("the records give another root (%v)", err)
	}
	step := tree.N/40 + 1
	for n, record := range records {
		sources := []tlog.HashReader{own}
		if int64(n)%step == 0 || int64(n) == tree.N-1 {
			sources = append(sources, reader)
		}
		for _, source := range sources {
			proof, err := tlog.ProveRecord(tree.N, int64(n), source)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(n), record); err != nil {
				return fmt.Errorf("record %d: %w", n, err)
			}
		}
	}
	return nil
}

// Checks a c2sp.org/tlog-proof of a leaf in a file.
func checkProof(vkey, path, leafPath string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(leafPath)
	if err != nil {
		return err
	}
	parts := strings.SplitN(string(text), "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) != 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a proof")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return fmt.Errorf("no index")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	tree, _, err := openCheckpoint(vkey, []byte(parts[1]))
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
		return err
	}
	fmt.Printf("record %d of %d\n", index, tree.N)
	return nil
}
