package functions

import (
	"net/netip"
	"strings"
)

// hosts reads a list of host names, split by commas, in lower case. An address is none: names alone have certificates
// that tell whose they are.
func (e *environment) hosts(name string) []string {
	var all []string
	for part := range strings.SplitSeq(e.text(name), ",") {
		host := strings.ToLower(strings.TrimSpace(part))
		_, err := netip.ParseAddr(host)
		switch {
		case host == "":
		case !hostName.MatchString(host), err == nil:
			e.fault(name, "must be host names such as accounts.example.com, split by commas, without scheme, "+
				"port and path")
			return nil
		default:
			all = append(all, host)
		}
	}
	return all
}
