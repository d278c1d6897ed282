"""Invented persons, companies and addresses of a country."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tasks.finmm.picture.world import americas, europe, southeast
from tasks.finmm.picture.world.country import Country, fill, split

COUNTRIES: tuple[Country, ...] = (*europe.COUNTRIES, *americas.COUNTRIES, *southeast.COUNTRIES)

_ROOTS = (
    "Acorn Ridge|Aldermere|Altavo|Amberline|Anvil & Oak|Arcadel|Argentum|Atlas Quay|Aurevia|Beacon Hill|Belltower|"
    "Bluefin|Boreal|Brightwater|Calico|Canopus|Cardinal|Castellan|Celadon|Cobalt Bay|Copperleaf|Corvina|Crestline|"
    "Dovetail|Eastgate|Elmira|Everfield|Fennimore|Fernhollow|Fieldstone|Flintlock|Galleon|Glenmark|Granary|Greywater|"
    "Halcyon|Harrowgate|Hazelwood|Helix|Highmoor|Ironbark|Ivoryton|Juniper|Kestrel|Keystone|Lanternworks|Larkspur|"
    "Ledbury|Lodestar|Lumina|Magnolia|Marigold|Meridian|Millrace|Monarch|Nightjar|Nordlys|Northwind|Oakhaven|Obsidian|"
    "Orchard Hill|Palisade|Pelican|Pinnacle|Quarrystone|Quillon|Redwood|Rivermark|Rosewood|Saffron|Sandpiper|Seaforth|"
    "Silverbirch|Solstice|Sparrow|Stonebridge|Summit|Sunfield|Tamarack|Terravolt|Thornbury|Tidewater|Trillium|Umbra|"
    "Vantage|Verdant|Vesper|Westbrook|Whitestone|Wildrose|Windermoor|Yellowtail|Zephyr"
)
_TRADES = (
    "Logistics|Office Supply|Engineering|Design Studio|Print Works|Catering|Electrical|Consulting|Timber|Textiles|"
    "Foods|Software|Interiors|Packaging|Medical Supply|Motors|Landscaping|Security Systems|Plumbing|Media|Chemicals|"
    "Agri Products|Freight|Marine|Instruments|Furniture|Optics|Cleaning Services|Ceramics|Solar|Tools|Stationers"
)
_SHOPS = (
    "Corner Market|Grocers|Hardware|Pharmacy|Bakery|Coffee House|Books|Garden Centre|Electronics|Fresh Mart|Bistro|"
    "Pet Supplies|Sports|Home & Living|Fashion|Deli|Convenience|Toys"
)
_BANKS = (
    "Savings Bank|Commercial Bank|Merchant Bank|People's Bank|Trust Bank|Cooperative Bank|National Bank|Credit Union|"
    "Bank & Trust|Private Bank|Community Bank|Mutual"
)
_INSURERS = "Insurance|Assurance|Mutual Insurance|General Insurance|Indemnity|Protect|Casualty|Cover"


@dataclass(frozen=True, slots=True)
class Address:
    """Two printed lines and the bare name of the town."""

    street: str
    line: str
    town: str


def person(country: Country, stream: Random) -> str:
    """Given and family name."""
    return f"{country.choose('given', stream)} {country.choose('family', stream)}"


def company(country: Country, stream: Random) -> str:
    """A trading company with a legal form; a third are named after a family."""
    name = country.choose("family", stream) if stream.random() < 0.33 else stream.choice(split(_ROOTS))
    return f"{name} {stream.choice(split(_TRADES))} {country.choose('legal', stream)}"


def shop(country: Country, stream: Random) -> str:
    """A shop's name over the door."""
    name = f"{country.choose('family', stream)}'s" if stream.random() < 0.3 else stream.choice(split(_ROOTS))
    return f"{name} {stream.choice(split(_SHOPS))}"


def bank(country: Country, stream: Random) -> str:
    """A bank, sometimes named after a town."""
    name = town_name(country.choose("towns", stream)) if stream.random() < 0.3 else stream.choice(split(_ROOTS))
    return f"{name} {stream.choice(split(_BANKS))}"


def insurer(stream: Random) -> str:
    """An insurance company."""
    return f"{stream.choice(split(_ROOTS))} {stream.choice(split(_INSURERS))}"


def town_name(town: str) -> str:
    """A town without its state.

    >>> town_name("Harlow, TX")
    'Harlow'
    """
    return town.split(",")[0]


def address(country: Country, stream: Random) -> Address:
    """Street line, town line and town."""
    town = country.choose("towns", stream)
    street = country.street.format(n=stream.randrange(1, 240), street=country.choose("streets", stream))
    return Address(street, fill(country.town.replace("{town}", "\0"), stream).replace("\0", town), town_name(town))


def email(name: str, stream: Random) -> str:
    """An address under the reserved top-level domain `example`."""
    letters = "".join(letter for letter in name.split(" & ")[0].lower().replace(" ", "") if letter.isascii())
    words = "".join(letter for letter in letters if letter.isalnum())[:14] or "office"
    return f"{stream.choice(('accounts', 'billing', 'info', 'office', 'contact', 'hello'))}@{words}.example"
