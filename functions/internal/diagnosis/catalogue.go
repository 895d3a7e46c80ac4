package diagnosis

import (
	"cmp"
	"slices"
	"sync"
)

// Lookup returns the entry of a code.
func Lookup(code Code) (Entry, bool) {
	i, ok := catalogue().byCode[code]
	if !ok {
		return Entry{}, false
	}
	return catalogue().entries[i], true
}

// OfAADSTS returns the code that a number of Entra's token service means; false where it means none.
func OfAADSTS(number int) (Code, bool) {
	code, ok := catalogue().byAADSTS[number]
	return code, ok
}

// Entries returns the whole catalogue, ordered by code.
func Entries() []Entry { return slices.Clone(catalogue().entries) }

type index struct {
	entries  []Entry
	byCode   map[Code]int
	byAADSTS map[int]Code
}

// catalogue is built once, at first use, and never changed.
var catalogue = sync.OnceValue(func() index {
	entries := slices.Concat(requestEntries(), recordEntries(), specEntries(), credentialEntries(), messageEntries(),
		tokenEntries(), entraEntries(), directoryEntries(), roleEntries(), structureEntries(), foundEntries(),
		storageEntries(),
		accessEntries(), networkEntries(), platformEntries(), ddoeEntries(), settingEntries(), identityEntries(),
		discoveryEntries())
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.Code, b.Code) })
	ix := index{entries: entries, byCode: make(map[Code]int, len(entries)), byAADSTS: map[int]Code{}}
	for i, e := range entries {
		ix.byCode[e.Code] = i
		for _, n := range e.AADSTS {
			ix.byAADSTS[n] = e.Code
		}
	}
	return ix
})
