package diagnosis

import (
	"slices"
	"strings"
)

// credentialEntry is a row about a credential file, or about the same member of a spec.
func credentialEntry(code Code, title, cause string, steps ...string) Entry {
	return Entry{Code: code, Title: title, Cause: cause, Who: WhoUploader, Steps: steps, Layer: "file"}
}

// credentialEntries are the findings of the credential file's linter. Those about a single member are findings about a
// spec too. The detail of a finding tells what exactly is wrong.
func credentialEntries() []Entry {
	return slices.Concat(fileEntries(), memberEntries(), agreementEntries(),
		exactEntries("issuer", "issuer", "Copy the claim iss of the platform's tokens, character by character."),
		issuerEntries(), []Entry{tooLong("issuer", "issuer"), tooLong("subject", "subject"),
			tooLong("audience", "audience")},
		exactEntries("subject", "subject", "Copy the claim sub of the platform's tokens, character by character."),
		subjectEntries(),
		exactEntries("audience", "audience",
			"Use the cloud's token-exchange audience; in the public cloud api://AzureADTokenExchange."),
		audienceEntries(),
		exactEntries("client-id", "client id", copyClientID), clientIDEntries(),
		exactEntries("tenant-id", "tenant id", copyTenantID), tenantIDEntries(),
		textEntries("display-name", "display name"), textEntries("ddoe", "platform's value"))
}

// Where the portal shows the ids. Whose identity a file is about is not known, so the words fit both kinds.
const (
	copyClientID = "Copy the client id, not the object id, from the Overview page of the application or " +
		"managed identity."
	copyTenantID = "Copy the tenant id from the Overview page of Microsoft Entra ID."
)

// fileEntries are about the file as a whole.
func fileEntries() []Entry {
	const source = "Take the right file: GET /api/integrations/{id}/credentials serves it, or write one with " +
		"exactly clientId, tenantId, federatedTokenIssuer, subject and audience."
	return []Entry{
		credentialEntry(CodeFileMissing, "There is no file", "The request carries no file to judge.",
			"Send the file as the body (application/json), or as the part file of a form (multipart/form-data)."),
		credentialEntry(CodeMalformedForm, "The form is not well-formed",
			"The body could not be read as multipart/form-data.",
			"Let the HTTP library write the Content-Type of a form, with the boundary that it also puts between the "+
				"parts: curl -F file=@azure_credentials.json.",
			"Or send the file alone, as the body, with Content-Type: application/json."),
		credentialEntry(CodeFileTooLarge, "The file is too large",
			"A credential file holds five short strings: at most 8 KiB.", source),
		credentialEntry(CodeInvalidCredentialFile, "The credential file is not valid",
			"The file breaks one or more rules; the errors name each by pointer.",
			"Correct every member that the errors name, and send the file again."),
		credentialEntry(CodeFileEmpty, "The file is empty", "The file holds nothing, or only blanks.", source),
		credentialEntry(CodeFileNotText, "The file is not text",
			"The file is an archive, a picture or another binary file.",
			"If it is an archive that holds the file, unpack it, and send what is in it.", source),
		credentialEntry(CodeFileEncoding, "The file is not UTF-8",
			"JSON files are UTF-8; other encodings are misread without a word.",
			"Save the file as UTF-8; in Windows PowerShell: Set-Content -Encoding utf8 instead of >."),
		credentialEntry(CodeFileByteOrderMark, "The file begins with a byte order mark",
			"An editor has put the invisible U+FEFF before the first character; many readers of JSON fail on it.",
			"Save the file as UTF-8 without BOM.").Warning(),
		credentialEntry(CodeFileNotJSON, "The file is not JSON",
			"The file cannot be read as JSON; the detail names line and column.",
			"Correct the place that the detail names; any JSON editor shows it."),
		credentialEntry(CodeFileTrailingData, "Something follows the JSON",
			"After the object's closing brace there is more, which some readers ignore and others refuse.",
			"Remove what follows the closing brace."),
		credentialEntry(CodeFileNotObject, "The file is not a JSON object",
			"The file must be one object with five members, in braces.", source),
		credentialEntry(CodeFileWrapped, "The object is wrapped in something else",
			"The five members are inside another object, a list, a string or base64, where nobody looks.",
			"Send the object that holds the five members by itself; decode what is base64 or a JSON string."),
		credentialEntry(CodeFileOtherFormat, "The file is in another format than JSON",
			"The values are there, but the platform reads JSON and nothing else.",
			`Write them as one JSON object: {"clientId": "…", "tenantId": "…", "federatedTokenIssuer": "…", `+
				`"subject": "…", "audience": "…"}.`),
		credentialEntry(CodeFileWrongKind, "This is another kind of file",
			"The file is well known, but it is not a credential file for workload identity federation.", source),
	}
}

// memberEntries are about names and types of the members.
func memberEntries() []Entry {
	return []Entry{
		credentialEntry(CodeFileMemberMissing, "A member is missing",
			"The file needs exactly clientId, tenantId, federatedTokenIssuer, subject and audience.",
			"Add the member."),
		credentialEntry(CodeFileMemberMisnamed, "A member has the wrong name", "The name is not the one that the "+
			"platform reads, though it is plain what is meant; upper and lower case count.",
			"Rename the member to what is expected."),
		credentialEntry(CodeFileMemberUnknown, "A member is not known",
			"The file has exactly five members; this is none of them.", "Remove the member."),
		credentialEntry(CodeFileMemberDuplicate, "A member is given twice",
			"Which of the two counts depends on the reader; names that differ by case only are the same to some.",
			"Keep one of the two."),
		credentialEntry(CodeFileValueNotString, "A value is not a string",
			"Each of the five values is one string in double quotes.", "Write the value as one string."),
		credentialEntry(CodeFileSecret, "The file holds a secret", "Workload identity federation needs no secret; "+
			"this one has now been in a file and in a request, and was neither kept nor repeated here.",
			"Rotate that secret now: whoever had the file has it.",
			"Remove it from the file, and its member too where that is none of the five."),
	}
}

// agreementEntries are about values that contradict one another, the form, or the settings of this service.
func agreementEntries() []Entry {
	return []Entry{
		credentialEntry(CodeClientIDIsTenantID, "Client id and tenant id are the same",
			"One of the two was copied twice: an identity never has its tenant's id.", copyClientID, copyTenantID),
		credentialEntry(CodeIssuerSubjectSwapped, "Issuer and subject are exchanged",
			"The issuer is the URL, the subject the name of the service.", "Exchange the two values."),
		credentialEntry(CodeValuesSwapped, "Values are exchanged",
			"Values stand in one another's place, as their forms tell.",
			"Put each value in the member that it belongs in."),
		credentialEntry(CodeFormIDsSwapped, "Client id and tenant id are exchanged, in the form or in the file",
			"The form's client id is the file's tenant id, and the other way round.",
			copyClientID, copyTenantID,
			"Exchange them where they stand the wrong way round: in the file or in the form."),
		credentialEntry(CodeIDsSwapped, "Client id and tenant id are exchanged",
			"The file's client id names a tenant, as its tenant id should.", "Exchange the two values.").
			On("discovery"),
		credentialEntry(CodeIssuerDocumentMismatch, "The issuer calls itself by another name", "The issuer's "+
			"discovery document names another issuer than the file. Entra compares the two byte for byte.",
			"Copy the claim iss of the platform's tokens; if the file has it, have the document corrected.").
			On("discovery"),
		credentialEntry(CodeFormClientIDMismatch, "Form and file name different clients",
			"The client id of the form is not the one of the file.", copyClientID, "Correct what differs from it."),
		credentialEntry(CodeFormTenantIDMismatch, "Form and file name different tenants",
			"The tenant id of the form is not the one of the file.", copyTenantID, "Correct what differs from it."),
		credentialEntry(CodeIssuerUnexpected, "The issuer is not the platform's", "The issuer is another than the "+
			"one this service is set up for; Entra compares byte for byte, and a trailing slash counts.",
			"Use the expected issuer in the file and in the federated identity credential, unless the file is for "+
				"another platform.").Warning(),
		credentialEntry(CodeSubjectUnexpected, "The subject is not of the platform's form", "The subject does not "+
			"have the form that this service is set up for; a wrong namespace is the usual cause.",
			"Compare with the claim sub of the platform's tokens, unless the file is for another platform.").Warning(),
	}
}

// exactEntries are the rules of a value that Entra compares character by character. name is the code's prefix, what
// the words for it, copy tells where the right value comes from.
func exactEntries(name, what, copy string) []Entry {
	title := "The " + what
	return append(sharedEntries(name, what, "Replace it by the real "+what+". "+copy),
		credentialEntry(Code(name+"-required"), title+" is empty", "The value is not given.", copy),
		credentialEntry(Code(name+"-invisible-character"), title+" has an invisible or typographic character",
			"Entra compares every character, also those that nobody sees.",
			"Type the value anew instead of pasting it."),
		credentialEntry(Code(name+"-quoted"), title+" is quoted twice",
			"The value holds quotation marks of its own, which Entra compares too.",
			"Remove the inner quotation marks."),
		credentialEntry(Code(name+"-copied"), title+" was copied with what stood around it",
			"The value holds more than itself, as the detail tells, and Entra compares that too.",
			"Remove what is no part of the value. "+copy),
		credentialEntry(Code(name+"-placeholder"), title+" is a placeholder",
			"A part of a template was never filled in.", copy))
}

// textEntries are the rules of a text that people read.
func textEntries(name, what string) []Entry {
	return append(sharedEntries(name, what, "Replace it by a text without secrets, or leave the member out."),
		tooLong(name, what),
		credentialEntry(Code(name+"-control-character"), "The "+what+" has a character that cannot be printed",
			"Control and format characters are not taken.", "Remove the character."))
}

// sharedEntries are the rules of every text; replace tells what comes in the place of a secret.
func sharedEntries(name, what, replace string) []Entry {
	title := "The " + what
	return []Entry{
		credentialEntry(Code(name+"-secret"), title+" is a secret", "The value has the shape of a token, key or "+
			"password; keyless access needs none. It was neither kept nor repeated.",
			"Rotate that secret now: whoever saw it has it.", replace),
		credentialEntry(Code(name+"-encoding"), title+" is not UTF-8", "The value has bytes that are not UTF-8.",
			"Send the value as UTF-8."),
		credentialEntry(Code(name+"-blank-edge"), title+" begins or ends with a blank",
			"A blank at either end is compared like any other character.", "Remove the blank."),
	}
}

func tooLong(name, what string) Entry {
	return credentialEntry(Code(name+"-too-long"), "The "+what+" is too long",
		"The value has more characters than are taken.", "Shorten the value.")
}

func issuerEntries() []Entry {
	const iss = "Copy the claim iss of the platform's tokens."
	return []Entry{
		credentialEntry(CodeIssuerNotHTTPS, "The issuer is not an https URL",
			"The issuer must be an absolute https URL.", iss),
		credentialEntry(CodeIssuerUserInfo, "The issuer holds user info",
			"A URL with a user name or password is no issuer.",
			"Remove everything up to the @, and rotate a password that stood there."),
		credentialEntry(CodeIssuerQuery, "The issuer has a query", "An issuer has neither query nor fragment.",
			"Remove the question mark and what follows."),
		credentialEntry(CodeIssuerFragment, "The issuer has a fragment", "An issuer has neither query nor fragment.",
			"Remove the # and what follows."),
		credentialEntry(CodeIssuerDiscoveryPath, "The issuer is the discovery document's URL",
			"Entra adds /.well-known/openid-configuration itself.", "Remove /.well-known/ and what follows."),
		credentialEntry(CodeIssuerEntra, "The issuer is Entra itself",
			"Entra does not federate with itself (AADSTS700222); the issuer is who signs the platform's tokens.", iss),
		credentialEntry(CodeIssuerOtherPlatform, "The issuer is another platform's",
			"The tokens of the DDOE platform name another issuer, so none of them would be taken.", iss).Warning(),
		credentialEntry(CodeIssuerLocal, "The issuer cannot be reached by Entra", "Entra fetches the issuer's keys "+
			"over the public internet; this host is known in a private network only.", iss),
		credentialEntry(CodeIssuerAddress, "The issuer's host is an address",
			"An IP address as issuer is unusual, and breaks when the address changes.", iss).Warning(),
		credentialEntry(CodeIssuerPort, "The issuer names a port",
			"A port in an issuer is unusual; Entra compares it like every other character.",
			"Check it against the claim iss of the platform's tokens.").Warning(),
		credentialEntry(CodeIssuerHostCase, "The issuer's host has upper-case letters",
			"Hosts know no case, but Entra compares the issuer character by character.",
			"Check it against the claim iss of the platform's tokens.").Warning(),
	}
}

func subjectEntries() []Entry {
	return []Entry{
		credentialEntry(CodeSubjectWildcard, "The subject has a wildcard",
			"Entra compares the whole subject; it knows no wildcard here.", "Give each subject in full."),
		credentialEntry(CodeSubjectServiceAccount, "The subject is not a service account",
			"The subject begins like a Kubernetes service account, but does not go on like one.",
			"Copy the claim sub of the platform's tokens."),
		credentialEntry(CodeSubjectOtherPlatform, "The subject is another platform's",
			"The tokens of the DDOE platform have subjects of another form, so none of them would be taken.",
			"Copy the claim sub of the platform's tokens.").Warning(),
	}
}

func audienceEntries() []Entry {
	const use = "Use the expected audience, in the file and in the federated identity credential."
	return []Entry{
		credentialEntry(CodeAudienceBlank, "The audience is more than one",
			"A federated identity credential has exactly one audience.", "Give exactly one audience."),
		credentialEntry(CodeAudienceCase, "The audience differs by case",
			"Entra compares the audience with case.", use),
		credentialEntry(CodeAudienceTrailingSlash, "The audience ends with a slash",
			"Entra compares the audience byte for byte.", use),
		credentialEntry(CodeAudienceDefaultScope, "The audience is a scope",
			"/.default belongs to scopes of access tokens, not to the audience of a subject token.", use),
		credentialEntry(CodeAudienceOtherCloud, "The audience belongs to another cloud",
			"Each cloud has a token-exchange audience of its own; this service works in one cloud.",
			"If the tenant is in this service's cloud: "+strings.ToLower(use[:1])+use[1:],
			"Or, if the tenant is in the audience's cloud, leave the file as it is, and use a deployment in "+
				"that cloud."),
		credentialEntry(CodeAudienceCustom, "The audience is not a token-exchange audience",
			"Entra recommends, and may demand, the cloud's own token-exchange audience (AADSTS700214).",
			use).Warning(),
	}
}

func clientIDEntries() []Entry {
	return []Entry{
		credentialEntry(CodeClientIDNotGUID, "The client id is not a GUID",
			"A client id has the form 8-4-4-4-12 of hexadecimal digits.", copyClientID),
		credentialEntry(CodeClientIDNil, "The client id is the nil GUID", "No identity has this id.", copyClientID),
		credentialEntry(CodeClientIDMicrosoft, "The client id is Microsoft's",
			"The id is one that is the same in every tenant, not that of an identity of yours.", copyClientID),
	}
}

func tenantIDEntries() []Entry {
	return []Entry{
		credentialEntry(CodeTenantIDNotGUID, "The tenant id is not a GUID",
			"A tenant id has the form 8-4-4-4-12 of hexadecimal digits.", copyTenantID),
		credentialEntry(CodeTenantIDNil, "The tenant id is the nil GUID", "No tenant has this id.", copyTenantID),
		credentialEntry(CodeTenantIDAlias, "The tenant id is no single tenant's",
			"A credential belongs to one tenant.", copyTenantID),
		credentialEntry(CodeTenantIDDomain, "The tenant id is a domain",
			"Entra finds a tenant by its domain too, but a domain can move to another tenant, and a GUID cannot.",
			copyTenantID).Warning(),
		credentialEntry(CodeTenantIDMicrosoft, "The tenant id is Microsoft's",
			"The id is that of Microsoft's own tenant, which its documents show as an example.",
			copyTenantID).Warning(),
	}
}
