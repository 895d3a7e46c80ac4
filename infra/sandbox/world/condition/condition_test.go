package condition

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	reader      = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
	contributor = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
	owner       = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

	prefix = "Microsoft.Authorization/roleAssignments"
	write  = prefix + "/write"
	remove = prefix + "/delete"

	own = "44444444-4444-4444-8444-444444444444"
	sp  = "99999999-9999-4999-8999-999999999999"

	constrained = "((!(ActionMatches{'" + write + "'})) OR (@Request[" + allowed + "@Request[" + toService +
		"@Request[" + notOwn + ")) AND " +
		"((!(ActionMatches{'" + remove + "'})) OR (@Resource[" + allowed + "@Resource[" + toService + "@Resource[" +
		notOwn + "))"
	allowed   = prefix + ":RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {" + reader + ", " + contributor + "} AND "
	toService = prefix + ":PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'} AND "
	notOwn    = prefix + ":PrincipalId] ForAnyOfAllValues:GuidNotEquals {" + own + "}"
)

func grant(role, principalType, principal string) Attributes {
	return Attributes{prefix + ":RoleDefinitionId": {role}, prefix + ":PrincipalType": {principalType},
		prefix + ":PrincipalId": {principal}}
}

func TestConstrainedDelegation(t *testing.T) {
	c, err := Parse(constrained)
	require.NoError(t, err)
	const service, fullID = "ServicePrincipal", "/subscriptions/x/providers/Microsoft.Authorization/roleDefinitions/"
	anonymous := grant(reader, service, sp)
	delete(anonymous, prefix+":PrincipalId")
	for name, tc := range map[string]struct {
		access Access
		want   bool
	}{
		"grants a reader": {Access{Action: write, Request: grant(reader, service, sp)}, true},
		"grants a contributor, by its full id": {Access{Action: write,
			Request: grant(fullID+strings.ToUpper(contributor), "serviceprincipal", sp)}, true},
		"grants no owner":               {Access{Action: write, Request: grant(owner, service, sp)}, false},
		"grants no user":                {Access{Action: write, Request: grant(reader, "User", sp)}, false},
		"grants nobody of unknown type": {Access{Action: write, Request: grant(reader, "", sp)}, false},
		"grants nothing to itself":      {Access{Action: write, Request: grant(reader, service, own)}, false},
		"principal not given":           {Access{Action: write, Request: anonymous}, false},
		"type not given": {Access{Action: write,
			Request: Attributes{prefix + ":RoleDefinitionId": {reader}, prefix + ":PrincipalId": {sp}}}, false},
		"what is there does not count for write": {Access{Action: write, Resource: grant(reader, service, sp)}, false},
		"revokes a reader":                       {Access{Action: remove, Resource: grant(reader, service, sp)}, true},
		"revokes no owner":                       {Access{Action: remove, Resource: grant(owner, service, sp)}, false},
		"revokes from no user":                   {Access{Action: remove, Resource: grant(reader, "User", sp)}, false},
		"revokes nothing of its own": {Access{Action: remove, Resource: grant(reader, service, own)},
			false},
		"action in another case": {Access{Action: strings.ToUpper(write), Request: grant(owner, service, sp)}, false},
		"names of attributes in another case": {Access{Action: write,
			Request: Attributes{strings.ToLower(prefix + ":RoleDefinitionId"): {reader},
				strings.ToUpper(prefix + ":PrincipalType"): {service},
				strings.ToUpper(prefix + ":PrincipalId"):   {sp}}}, true},
		"reads": {Access{Action: prefix + "/read"}, true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, c.IsFulfilled(tc.access)) })
	}
}

// Of several values one must differ from all that are listed.
func TestForAnyOfAllValuesGuidNotEquals(t *testing.T) {
	const attribute = prefix + ":PrincipalId"
	for name, tc := range map[string]struct {
		actual []string
		listed string
		want   bool
	}{
		"another":                  {[]string{sp}, own, true},
		"the same":                 {[]string{own}, own, false},
		"the same in upper case":   {[]string{strings.ToUpper(contributor)}, contributor, false},
		"differs from both":        {[]string{sp}, own + ", " + reader, true},
		"differs from one of them": {[]string{own}, reader + ", " + own, false},
		"one of two differs":       {[]string{own, sp}, own, true},
		"none of two differs":      {[]string{own, reader}, own + "," + reader, false},
		"absent":                   {nil, own, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("@Resource[" + attribute + "] ForAnyOfAllValues:GuidNotEquals {" + tc.listed + "}")
			require.NoError(t, err)
			assert.Equal(t, tc.want, c.IsFulfilled(Access{Resource: Attributes{attribute: tc.actual}}))
		})
	}
}

// TestConditionsOnBlobs have these attributes. Case counts in values and in names of tags; what is absent fits
// nothing.
func TestConditionsOnBlobs(t *testing.T) {
	t.Parallel()
	const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
	access := Access{Action: blobs + "/read", SubOperation: "Blob.List",
		Request: Attributes{blobs + ":prefix": {"in/2026/"}}, Resource: Attributes{blobs + ":path": {"in/2026/a.b"},
			blobs + "/tags:Project" + CaseSensitive: {"Cascade"}}}
	for input, want := range map[string]bool{
		"SubOperationMatches{'Blob.List'}":                                                   true,
		"SubOperationMatches{'Blob.Read.WithTagConditions'}":                                 false,
		"@Resource[" + blobs + ":path] StringEquals 'in/2026/a.b'":                           true,
		"@Resource[" + blobs + ":path] StringEquals 'in/2026/A.b'":                           false,
		"@Resource[" + blobs + ":path] StringLike 'in/*'":                                    true,
		"@Resource[" + blobs + ":path] StringLike 'in/????/a.b'":                             true,
		"@Resource[" + blobs + ":path] StringLike 'in/2026/a?b?'":                            false,
		"@Resource[" + blobs + ":path] StringLike '2026/*'":                                  false,
		"@Resource[" + blobs + ":path] StringLike 'in/2026/aXb'":                             false,
		"@Resource[" + blobs + ":path] StringStartsWith 'in/'":                               true,
		"@Resource[" + blobs + ":path] StringStartsWith 'out/'":                              false,
		"@Request[" + blobs + ":prefix] StringStartsWith 'in/'":                              true,
		"@Request[" + blobs + ":path] StringStartsWith 'in/'":                                false,
		"@Resource[" + blobs + "/tags:Project<$key_case_sensitive$>] StringEquals 'Cascade'": true,
		"@Resource[" + blobs + "/tags:project<$key_case_sensitive$>] StringEquals 'Cascade'": false,
		"@Resource[" + blobs + "/tags:Project<$key_case_sensitive$>] StringEquals 'cascade'": false,
	} {
		t.Run(input, func(t *testing.T) {
			t.Parallel()
			c, err := Parse(input)
			require.NoError(t, err)
			assert.Equal(t, want, c.IsFulfilled(access))
		})
	}
	_, err := Parse("@Resource[" + blobs + ":path] StringLike {'in/*'}")
	require.ErrorContains(t, err, "string in quotes is expected", "one value, no list")
}

// x is true, y is false for the access of TestOperators.
func TestOperators(t *testing.T) {
	expand := strings.NewReplacer("x", "ActionMatches{'a'}", "y", "ActionMatches{'b'}")
	for input, want := range map[string]bool{
		"x": true, "y": false, "!x": false, "!y": true, "NOT y": true, "!!x": true, "! NOT !y": true,
		"x AND y": false, "x && x": true, "x OR y": true, "y || y": false,
		"x OR x AND y": true, "(x OR x) AND y": false, "y AND x OR x": true, "y AND (x OR x)": false,
		"!y AND y": false, "!(y AND y)": true, "!x OR x": true, "((x))": true,
	} {
		t.Run(input, func(t *testing.T) {
			c, err := Parse(expand.Replace(input))
			require.NoError(t, err)
			assert.Equal(t, want, c.IsFulfilled(Access{Action: "a"}))
		})
	}
}

func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	const role = "@Request[" + prefix + ":RoleDefinitionId] "
	for name, tc := range map[string]struct {
		input, detail string
		offset        int
	}{
		"empty":               {"", "not the end", 0},
		"only blanks":         {" \n", "not the end", 2},
		"unknown function":    {"Exists{'x'}", `not "Exists"`, 0},
		"lower-case operator": {"ActionMatches{'a'} and ActionMatches{'b'}", "AND, OR or the end", 19},
		"operand missing":     {"ActionMatches{'a'} AND", "not the end", 22},
		"not closed":          {"(ActionMatches{'a'}", ") is expected", 19},
		"closed twice":        {"ActionMatches{'a'})", "the end is expected", 18},
		"any action":          {"ActionMatches{'a/*'}", "without *", 14},
		"action without name": {"ActionMatches{''}", "without *", 14},
		"string without end":  {"ActionMatches{'a}", "not understood", 14},
		"escaped quote":       {`ActionMatches{'a\''}`, "not understood", 14},
		"another source":      {"@Principal[x:y] ForAnyOfAnyValues:GuidEquals {" + reader + "}", "not understood", 0},
		"another operator":    {role + "GuidEquals {" + reader + "}", "ForAnyOfAnyValues:GuidEquals", len(role)},
		"another quantifier": {role + "ForAllOfAnyValues:GuidEquals {" + reader + "}", "ForAnyOfAnyValues:GuidEquals",
			len(role)},
		"another negation": {role + "ForAnyOfAnyValues:GuidNotEquals {" + reader + "}",
			"ForAnyOfAllValues:GuidNotEquals", len(role)},
		"negation of all": {role + "ForAllOfAllValues:GuidNotEquals {" + reader + "}",
			"ForAnyOfAllValues:GuidNotEquals", len(role)},
		"negation of text": {role + "ForAnyOfAllValues:GuidNotEquals {'" + reader + "'}", "word is expected",
			len(role) + 33},
		"no values": {role + "ForAnyOfAnyValues:GuidEquals {}", "word is expected", len(role) + 30},
		"comma at the end": {role + "ForAnyOfAnyValues:GuidEquals {" + reader + ",}", "word is expected",
			len(role) + 67},
		"no GUID": {role + "ForAnyOfAnyValues:GuidEquals {reader}", "a GUID is expected", len(role) + 30},
		"GUID in quotes": {role + "ForAnyOfAnyValues:GuidEquals {'" + reader + "'}", "word is expected",
			len(role) + 30},
		"string not quoted": {role + "ForAnyOfAnyValues:StringEqualsIgnoreCase {a}", "string in quotes is expected",
			len(role) + 42},
		"too long": {strings.Repeat("(", MaximumLength+1), "8 KB", MaximumLength},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse(tc.input)
			var syntax *SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.Equal(t, tc.offset, syntax.Offset, err)
			require.ErrorContains(t, err, tc.detail)
			assert.False(t, c.IsFulfilled(Access{Action: "a"}), "what is not understood grants nothing")
		})
	}
}

// What Parse takes can be negated, and the negation is fulfilled exactly where it is not.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{constrained,
		"!ActionMatches{'a'} || (ActionMatches{'b'} AND NOT ActionMatches{'c'})",
		"@Resource[a:b] ForAnyOfAnyValues:StringEqualsIgnoreCase {'x','y'}", "((", "'", "@Request["} {
		f.Add(seed, write)
	}
	f.Fuzz(func(t *testing.T, input, action string) {
		access := Access{Action: action, Request: grant(reader, "ServicePrincipal", sp),
			Resource: grant(owner, "User", own)}
		c, err := Parse(input)
		if err != nil {
			assert.False(t, c.IsFulfilled(access))
			return
		}
		negated, err := Parse("!(" + input + ")")
		if len(input)+3 > MaximumLength {
			return
		}
		require.NoError(t, err)
		assert.NotEqual(t, c.IsFulfilled(access), negated.IsFulfilled(access))
	})
}
