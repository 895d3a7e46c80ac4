package integration

import "context"

// maxAhead is how many records are read at a time, at most, in search of the next one that a caller may see.
const maxAhead = 1000

// ListVisible returns a page of at most limit records of the store, without those that canSee leaves out, and the
// token of the next page. That one begins with a record that canSee does not leave out, and there is no token where
// there is no such record: neither tells that there are others. So it reads on until it has found one, more at a time
// the longer it finds none. A nil canSee leaves nothing out.
func ListVisible(ctx context.Context, store Store, prefix, token string, limit int,
	canSee func(Record) (bool, error)) ([]Record, string, error) {
	if canSee == nil {
		return store.List(ctx, prefix, token, limit)
	}
	var kept []Record
	hidden, size, isAgain := 0, limit, false
	for {
		records, next, err := store.List(ctx, prefix, token, size)
		if err != nil {
			return nil, "", err
		}
		visible, err := positions(records, canSee)
		if err != nil {
			return nil, "", err
		}
		if room := limit - len(kept); len(visible) > room {
			if visible[room] == 0 {
				return kept, token, nil
			}
			// Reading again up to the first that has no room makes the token that names it.
			size, isAgain = visible[room], true
			continue
		}
		for _, at := range visible {
			kept = append(kept, records[at])
		}
		if next == "" {
			return kept, "", nil
		}
		if hidden += len(records) - len(visible); isAgain {
			hidden, isAgain = 0, false
		}
		token, size = next, max(limit-len(kept), min(hidden, maxAhead), 1)
	}
}

// positions are the indexes of the records that may be seen.
func positions(records []Record, canSee func(Record) (bool, error)) ([]int, error) {
	var visible []int
	for i, record := range records {
		ok, err := canSee(record)
		if err != nil {
			return nil, err
		}
		if ok {
			visible = append(visible, i)
		}
	}
	return visible, nil
}
