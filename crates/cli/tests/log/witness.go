package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A witness, by its address and its key of type 4, which x/mod does not know.
type witness struct {
	url, name string
	id        [4]byte
	key       ed25519.PublicKey
}

func newWitness(url, vkey string) (*witness, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, fmt.Errorf("not a key: %q", vkey)
	}
	data, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(data) != 1+ed25519.PublicKeySize || data[0] != 4 {
		return nil, fmt.Errorf("not a cosigner's key: %q", vkey)
	}
	digest := sha256.Sum256(append([]byte(parts[0]+"\n"), data...))
	w := &witness{url: url, name: parts[0], key: data[1:]}
	copy(w.id[:], digest[:])
	if hex.EncodeToString(w.id[:]) != parts[1] {
		return nil, fmt.Errorf("the key's id is wrong: %q", vkey)
	}
	return w, nil
}

// Asks for a checkpoint to be cosigned, and returns the status, the type and the text of the answer.
func (w *witness) ask(old int64, proof []tlog.Hash, checkpoint []byte) (int, string, string, error) {
	body := fmt.Sprintf("old %d\n%s\n%s", old, formatHashes(proof), checkpoint)
	response, err := http.Post(w.url+"/add-checkpoint", "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, "", "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header.Get("Content-Type"), string(text), err
}

// Checks a cosignature line on a checkpoint's text and returns its time.
func (w *witness) verify(text, line string) (uint64, error) {
	value := strings.TrimPrefix(line, "\u2014 "+w.name+" ")
	data, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(value, "\n"))
	if err != nil || len(data) != 4+8+ed25519.SignatureSize || string(data[:4]) != string(w.id[:]) {
		return 0, fmt.Errorf("not a cosignature: %q", line)
	}
	time := binary.BigEndian.Uint64(data[4:12])
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	if !ed25519.Verify(w.key, []byte(message), data[12:]) {
		return 0, fmt.Errorf("the cosignature does not verify: %q", line)
	}
	return time, nil
}

// Grows a log before a witness, and asks for what must be refused.
func askWitness(skey, url, vkey string) error {
	signer, err := note.NewSigner(skey)
	if err != nil {
		return err
	}
	w, err := newWitness(url, vkey)
	if err != nil {
		return err
	}
	var log, fork hashes
	for n := int64(0); n < 1000; n++ {
		if err := log.add(n, tlog.RecordHash(record(n))); err != nil {
			return err
		}
		if err := fork.add(n, tlog.RecordHash(record(n+n/300))); err != nil {
			return err
		}
	}
	last := int64(0)
	for _, size := range []int64{1, 255, 256, 256, 777} {
		checkpoint, err := sign(signer, log, size)
		if err != nil {
			return err
		}
		if err := w.accepts(log, last, size, checkpoint); err != nil {
			return fmt.Errorf("from %d to %d: %w", last, size, err)
		}
		last = size
	}
	return w.refuses(signer, log, fork, last)
}

func (w *witness) accepts(log hashes, old, size int64, checkpoint []byte) error {
	proof, err := prove(log, old, size)
	if err != nil {
		return err
	}
	status, _, answer, err := w.ask(old, proof, checkpoint)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("%d %q %v", status, answer, err)
	}
	text := string(checkpoint[:strings.LastIndex(string(checkpoint), "\n\n")+1])
	time, err := w.verify(text, answer)
	if err == nil {
		fmt.Printf("%d records cosigned by %s at %d\n", size, w.name, time)
	}
	return err
}

func (w *witness) refuses(signer note.Signer, log, fork hashes, last int64) error {
	for _, wanted := range []struct {
		what   string
		log    hashes
		old    int64
		size   int64
		status int
	}{
		{"a stale size", log, 256, 900, http.StatusConflict},
		{"a rollback", log, 256, 700, http.StatusConflict},
		{"a fork of the same size", fork, last, last, http.StatusUnprocessableEntity},
		{"a larger fork", fork, last, 900, http.StatusUnprocessableEntity},
		{"an old size beyond the new", log, last, 700, http.StatusBadRequest},
	} {
		checkpoint, err := sign(signer, wanted.log, wanted.size)
		if err != nil {
			return err
		}
		proof, err := prove(wanted.log, wanted.old, wanted.size)
		if err != nil {
			return err
		}
		status, kind, answer, err := w.ask(wanted.old, proof, checkpoint)
		if err != nil || status != wanted.status {
			return fmt.Errorf("%s: %d %q %v", wanted.what, status, answer, err)
		}
		if status == http.StatusConflict && (kind != "text/x.tlog.size" || answer != fmt.Sprintf("%d\n", last)) {
			return fmt.Errorf("%s: the size is told as %q %q", wanted.what, kind, answer)
		}
		fmt.Printf("%s is refused: %d\n", wanted.what, status)
	}
	return nil
}

// The consistency proof between two sizes: none from nothing, none to the same or to less.
func prove(log hashes, old, size int64) ([]tlog.Hash, error) {
	if old == 0 || old >= size {
		return nil, nil
	}
	return tlog.ProveTree(size, old, log)
}
