package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Writes files of a log to a folder.
type folder string

func (f folder) write(path string, data []byte) error {
	path = filepath.Join(string(f), filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// The record at a place: of many lengths, the empty one included and, once, the longest.
func record(n int64) []byte {
	switch {
	case n == 300:
		return bytes.Repeat([]byte{0xa5}, 65535)
	case n%11 == 0:
		return nil
	}
	return []byte(fmt.Sprintf("record %d%s", n, strings.Repeat("\x00\n", int(n%5))))
}

// Writes a log, its older checkpoints as checkpoints/N and some proofs as proofs/N.tlog-proof. Beside them stand the
// leaves proven, as proofs/N.
func makeLog(skey, dir string, sizes []int64) error {
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	var stored hashes
	out, size := folder(dir), int64(0)
	for _, next := range sizes {
		for n := size; n < next; n++ {
			if err := stored.add(n, tlog.RecordHash(record(n))); err != nil {
				return err
			}
		}
		if err := publish(out, stored, size, next); err != nil {
			return err
		}
		size = next
		checkpoint, err := sign(signer, stored, size)
		if err != nil {
			return err
		}
		for _, path := range []string{"checkpoint", fmt.Sprintf("checkpoints/%d", size)} {
			if err := out.write(path, checkpoint); err != nil {
				return err
			}
		}
		if err := writeProofs(out, stored, size, checkpoint); err != nil {
			return err
		}
	}
	return nil
}

func sign(signer note.Signer, stored hashes, size int64) ([]byte, error) {
	root, err := tlog.TreeHash(size, stored)
	if err != nil {
		return nil, err
	}
	text := formatCheckpoint(signer.Name(), tlog.Tree{N: size, Hash: root})
	return note.Sign(&note.Note{Text: text}, signer)
}

// Writes the tiles and bundles that a log needs when it grows.
func publish(out folder, stored hashes, old, size int64) error {
	for _, tile := range tlog.NewTiles(height, old, size) {
		if size>>(height*uint(tile.L))-tile.N<<height > int64(tile.W) && tile.W < 1<<height {
			continue // a partial tile that no checkpoint asks for
		}
		data, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		if err := out.write(tilePath(tile), data); err != nil {
			return err
		}
		if tile.L > 0 {
			continue
		}
		var bundle []byte
		for n := tile.N << height; n < tile.N<<height+int64(tile.W); n++ {
			bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(record(n))))
			bundle = append(bundle, record(n)...)
		}
		tile.L = -1
		if err := out.write(tilePath(tile), bundle); err != nil {
			return err
		}
	}
	return nil
}

func writeProofs(out folder, stored hashes, size int64, checkpoint []byte) error {
	for n := int64(0); n < size; n += size/7 + 1 {
		proof, err := tlog.ProveRecord(size, n, stored)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n%s\n%s", n, formatHashes(proof), checkpoint)
		if err := out.write(fmt.Sprintf("proofs/%d.tlog-proof", n), []byte(text)); err != nil {
			return err
		}
		if err := out.write(fmt.Sprintf("proofs/%d", n), record(n)); err != nil {
			return err
		}
	}
	return nil
}
