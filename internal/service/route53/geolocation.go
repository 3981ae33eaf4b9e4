package route53

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// The places that records can be for, codes before names. (Amazon Route 53 API Reference, ListGeoLocations; ISO 3166-1; USPS Publication 28.)
const (
	continents = "AF Africa;AN Antarctica;AS Asia;EU Europe;NA North America;OC Oceania;SA South America"
	states     = "AK Alaska;AL Alabama;AR Arkansas;AZ Arizona;CA California;CO Colorado;CT Connecticut;DC District of Columbia;" +
		"DE Delaware;FL Florida;GA Georgia;HI Hawaii;IA Iowa;ID Idaho;IL Illinois;IN Indiana;KS Kansas;KY Kentucky;LA Louisiana;" +
		"MA Massachusetts;MD Maryland;ME Maine;MI Michigan;MN Minnesota;MO Missouri;MS Mississippi;MT Montana;NC North Carolina;" +
		"ND North Dakota;NE Nebraska;NH New Hampshire;NJ New Jersey;NM New Mexico;NV Nevada;NY New York;OH Ohio;OK Oklahoma;" +
		"OR Oregon;PA Pennsylvania;RI Rhode Island;SC South Carolina;SD South Dakota;TN Tennessee;TX Texas;UT Utah;VA Virginia;" +
		"VT Vermont;WA Washington;WI Wisconsin;WV West Virginia;WY Wyoming"
	countries = "AD Andorra;AE United Arab Emirates;AF Afghanistan;AG Antigua and Barbuda;AI Anguilla;AL Albania;AM Armenia;AO Angola;" +
		"AQ Antarctica;AR Argentina;AS American Samoa;AT Austria;AU Australia;AW Aruba;AX Åland Islands;AZ Azerbaijan;" +
		"BA Bosnia and Herzegovina;BB Barbados;BD Bangladesh;BE Belgium;BF Burkina Faso;BG Bulgaria;BH Bahrain;BI Burundi;" +
		"BJ Benin;BL Saint Barthélemy;BM Bermuda;BN Brunei;BO Bolivia;BQ Bonaire, Sint Eustatius and Saba;BR Brazil;BS Bahamas;" +
		"BT Bhutan;BV Bouvet Island;BW Botswana;BY Belarus;BZ Belize;CA Canada;CC Cocos (Keeling) Islands;" +
		"CD Congo, The Democratic Republic of the;CF Central African Republic;CG Congo;CH Switzerland;CI Côte d'Ivoire;" +
		"CK Cook Islands;CL Chile;CM Cameroon;CN China;CO Colombia;CR Costa Rica;CU Cuba;CV Cape Verde;CW Curaçao;" +
		"CX Christmas Island;CY Cyprus;CZ Czech Republic;DE Germany;DJ Djibouti;DK Denmark;DM Dominica;DO Dominican Republic;" +
		"DZ Algeria;EC Ecuador;EE Estonia;EG Egypt;EH Western Sahara;ER Eritrea;ES Spain;ET Ethiopia;FI Finland;FJ Fiji;" +
		"FK Falkland Islands;FM Micronesia;FO Faroe Islands;FR France;GA Gabon;GB United Kingdom;GD Grenada;GE Georgia;" +
		"GF French Guiana;GG Guernsey;GH Ghana;GI Gibraltar;GL Greenland;GM Gambia;GN Guinea;GP Guadeloupe;GQ Equatorial Guinea;" +
		"GR Greece;GS South Georgia and the South Sandwich Islands;GT Guatemala;GU Guam;GW Guinea-Bissau;GY Guyana;HK Hong Kong;" +
		"HM Heard Island and McDonald Islands;HN Honduras;HR Croatia;HT Haiti;HU Hungary;ID Indonesia;IE Ireland;IL Israel;" +
		"IM Isle of Man;IN India;IO British Indian Ocean Territory;IQ Iraq;IR Iran;IS Iceland;IT Italy;JE Jersey;JM Jamaica;" +
		"JO Jordan;JP Japan;KE Kenya;KG Kyrgyzstan;KH Cambodia;KI Kiribati;KM Comoros;KN Saint Kitts and Nevis;" +
		"KP Korea, Democratic People's Republic of;KR Korea, Republic of;KW Kuwait;KY Cayman Islands;KZ Kazakhstan;LA Laos;" +
		"LB Lebanon;LC Saint Lucia;LI Liechtenstein;LK Sri Lanka;LR Liberia;LS Lesotho;LT Lithuania;LU Luxembourg;LV Latvia;" +
		"LY Libya;MA Morocco;MC Monaco;MD Moldova;ME Montenegro;MF Saint Martin;MG Madagascar;MH Marshall Islands;" +
		"MK North Macedonia;ML Mali;MM Myanmar;MN Mongolia;MO Macao;MP Northern Mariana Islands;MQ Martinique;MR Mauritania;" +
		"MS Montserrat;MT Malta;MU Mauritius;MV Maldives;MW Malawi;MX Mexico;MY Malaysia;MZ Mozambique;NA Namibia;" +
		"NC New Caledonia;NE Niger;NF Norfolk Island;NG Nigeria;NI Nicaragua;NL Netherlands;NO Norway;NP Nepal;NR Nauru;NU Niue;" +
		"NZ New Zealand;OM Oman;PA Panama;PE Peru;PF French Polynesia;PG Papua New Guinea;PH Philippines;PK Pakistan;PL Poland;" +
		"PM Saint Pierre and Miquelon;PN Pitcairn;PR Puerto Rico;PS Palestine, State of;PT Portugal;PW Palau;PY Paraguay;" +
		"QA Qatar;RE Réunion;RO Romania;RS Serbia;RU Russia;RW Rwanda;SA Saudi Arabia;SB Solomon Islands;SC Seychelles;SD Sudan;" +
		"SE Sweden;SG Singapore;SH Saint Helena;SI Slovenia;SJ Svalbard and Jan Mayen;SK Slovakia;SL Sierra Leone;SM San Marino;" +
		"SN Senegal;SO Somalia;SR Suriname;SS South Sudan;ST Sao Tome and Principe;SV El Salvador;SX Sint Maarten;SY Syria;" +
		"SZ Eswatini;TC Turks and Caicos Islands;TD Chad;TF French Southern Territories;TG Togo;TH Thailand;TJ Tajikistan;" +
		"TK Tokelau;TL Timor-Leste;TM Turkmenistan;TN Tunisia;TO Tonga;TR Turkey;TT Trinidad and Tobago;TV Tuvalu;TW Taiwan;" +
		"TZ Tanzania;UA Ukraine;UG Uganda;UM United States Minor Outlying Islands;US United States;UY Uruguay;UZ Uzbekistan;" +
		"VA Holy See;VC Saint Vincent and the Grenadines;VE Venezuela;VG Virgin Islands, British;VI Virgin Islands, U.S.;" +
		"VN Vietnam;VU Vanuatu;WF Wallis and Futuna;WS Samoa;YE Yemen;YT Mayotte;ZA South Africa;ZM Zambia;ZW Zimbabwe"
)

// geoPlace is a continent, a country, or a state of one.
type geoPlace struct{ continent, country, state, name string }

// geoPlaces are all of them: continents, what stands for everywhere else, and countries, each before its states; by code.
func geoPlaces() []geoPlace {
	var out []geoPlace
	each := func(text string, add func(code, name string)) {
		for row := range strings.SplitSeq(text, ";") {
			code, name, _ := strings.Cut(row, " ")
			add(code, name)
		}
	}
	each(continents, func(code, name string) { out = append(out, geoPlace{continent: code, name: name}) })
	out = append(out, geoPlace{country: "*", name: "Default"})
	each(countries, func(country, name string) {
		out = append(out, geoPlace{country: country, name: name})
		if country == "US" {
			each(states, func(code, name string) { out = append(out, geoPlace{country: country, state: code, name: name}) })
		}
	})
	return out
}

// compare says which of two places comes first in the list.
func (p geoPlace) compare(o geoPlace) int {
	return cmp.Or(-cmp.Compare(p.continent, "")+cmp.Compare(o.continent, ""), cmp.Compare(p.continent, o.continent), cmp.Compare(p.country, o.country), cmp.Compare(p.state, o.state))
}

func (p geoPlace) describe(all []geoPlace) route53api.GeoLocationDetails {
	switch {
	case p.continent != "":
		return route53api.GeoLocationDetails{ContinentCode: new(p.continent), ContinentName: new(p.name)}
	case p.state == "":
		return route53api.GeoLocationDetails{CountryCode: new(p.country), CountryName: new(p.name)}
	}
	i, _ := slices.BinarySearchFunc(all, geoPlace{country: p.country}, geoPlace.compare)
	return route53api.GeoLocationDetails{CountryCode: new(p.country), CountryName: new(all[i].name), SubdivisionCode: new(p.state), SubdivisionName: new(p.name)}
}

// GetGeoLocation tells whether there is a place, and how it is called.
func (s *Service) GetGeoLocation(_ context.Context, _ world.Caller, in *route53api.GetGeoLocationInput) (*route53api.GetGeoLocationOutput, error) {
	want, all := geoPlace{continent: value(in.ContinentCode), country: value(in.CountryCode), state: value(in.SubdivisionCode)}, geoPlaces()
	if want.continent == "" && want.country == "" {
		want.country = "*"
	}
	i, ok := slices.BinarySearchFunc(all, want, geoPlace.compare)
	if !ok {
		return nil, awserr.Route53NoGeoLocation()
	}
	return &route53api.GetGeoLocationOutput{GeoLocationDetails: new(all[i].describe(all))}, nil
}

// ListGeoLocations lists the places from one on.
func (s *Service) ListGeoLocations(_ context.Context, _ world.Caller, in *route53api.ListGeoLocationsInput) (*route53api.ListGeoLocationsOutput, error) {
	from := geoPlace{continent: value(in.StartContinentCode), country: value(in.StartCountryCode), state: value(in.StartSubdivisionCode)}
	n, err := count(in.MaxItems, pageSize)
	switch {
	case err != nil:
		return nil, err
	case from.continent != "" && from.country != "", from.state != "" && from.country == "":
		return nil, awserr.Route53Invalid("A list of places starts at a continent, or at a country with or without a subdivision.")
	}
	all, i := geoPlaces(), 0
	if from != (geoPlace{}) {
		i, _ = slices.BinarySearchFunc(all, from, geoPlace.compare)
	}
	out := &route53api.ListGeoLocationsOutput{GeoLocationDetailsList: []route53api.GeoLocationDetails{}, MaxItems: maxItems(in.MaxItems, pageSize), IsTruncated: new(len(all)-i > n)}
	for _, p := range all[i:min(i+n, len(all))] {
		out.GeoLocationDetailsList = append(out.GeoLocationDetailsList, p.describe(all))
	}
	if *out.IsTruncated {
		next := all[i+n]
		out.NextContinentCode, out.NextCountryCode, out.NextSubdivisionCode = unless(next.continent), unless(next.country), unless(next.state)
	}
	return out, nil
}
