"""What is bought, insured and borrowed for: names with typical prices in US dollars."""

from __future__ import annotations

from random import Random

Priced = tuple[str, float]


def priced(words: str) -> tuple[Priced, ...]:
    """Pairs of name and price from one string.

    >>> priced("Stapler 12 | Paper, A4 4.5")
    (('Stapler', 12.0), ('Paper, A4', 4.5))
    """
    pairs = (word.strip().rsplit(" ", 1) for word in words.split("|"))
    return tuple((name, float(price)) for name, price in pairs)


WARES = priced(
    "Office chair, mesh back 189|Standing desk 120 cm 420|LED panel light 34.5|Copy paper A4, 500 sheets 4.9|"
    "Laser toner, black 78|Label printer 145|Cable tray 2 m 27.4|Hex bolts M8, box of 200 18.6|Safety helmet 22|"
    "Nitrile gloves, 100 pcs 11.9|Packing tape, 6 rolls 14.2|Euro pallet, used 9.5|Stretch film 500 mm 12.8|"
    "Hydraulic hose 3 m 46|Bearing 6204-2RS 7.3|Oak veneer board 61|Acrylic paint 10 l 54|Copper pipe 22 mm 16.4|"
    "Circuit breaker 16 A 13.7|Network switch 24 port 239|USB-C dock 119|27 inch monitor 265|Wireless keyboard 49|"
    "Web hosting, 12 months 108|Domain renewal 15|Logo design 480|Brochure layout 350|Translation, per page 38|"
    "Site survey 220|Installation labour, hour 65|Consulting, day rate 740|Training workshop 560|"
    "Annual maintenance 890|"
    "Courier delivery 24|Pallet freight 135|Customs handling 72|Catering, per person 26|Coffee beans 1 kg 19.8|"
    "Cleaning service, weekly 145|Window cleaning 88|Waste container hire 96|Garden soil, m3 41|Hedge trimming 115|"
    "First aid kit 33|Fire extinguisher 6 kg 52|Blood pressure monitor 64|Surgical masks, 50 pcs 9.9|"
    "Filter cartridge 28|"
    "Solar module 410 W 172|Inverter 5 kW 980|Mounting rail 4.2 m 31|Ceramic tiles, m2 29|Grout 5 kg 11.5|"
    "Door closer 58"
)
_FOOD = (
    "Whole milk 1 l 1.3|Brown bread 2.4|Free range eggs 3.6|Butter 250 g 2.9|Basmati rice 2.8|Olive oil 500 ml 7.5|"
    "Bananas 1.6|Tomatoes 2.2|Green apples 2.5|Chicken breast 6.9|Ground coffee 5.4|Orange juice 2.7|Sea salt 1.1|"
    "Dark chocolate 1.9|Yoghurt, plain 1.2|Cheddar 200 g 3.4|Mineral water 0.8|Cola 330 ml 1.2|Mixed nuts 3.9|"
    "Spaghetti 500 g 1.4|Honey 340 g 4.8|Dish soap 2.1|Paper towels 3.2|Toothpaste 2.6|Batteries AA x4 4.9|"
    "Cat food 400 g 1.5"
)
_CAFE = (
    "Cappuccino 3.4|Flat white 3.7|Croissant 2.3|Club sandwich 7.8|Caesar salad 9.2|Soup of the day 6.1|Lemonade 3|"
    "Espresso 2.4|"
    "Mushroom risotto 12.5|Grilled fish 16.8|Cheesecake 4.9|Green tea 2.9|House burger 11.9|Still water 2.2|"
    "Apple tart 4.4"
)
_HOME = (
    "Light bulb E27 3.8|Potting soil 10 l 5.9|Tulip bulbs 4.4|Screws 4x40 3.1|Masking tape 2.8|Paint brush 50 mm 5.2|"
    "Garden gloves 6.4|Extension cord 3 m 9.8|Storage box 20 l 7.3|Door mat 12.4|Picture frame A4 8.9|"
    "Watering can 11.2|"
    "Cotton towel 9.6|Scented candle 7.7|Batteries AA x4 4.9"
)
_CARE = (
    "Vitamin C tabs 6.2|Plasters 20 pk 2.7|Cough syrup 7.9|Shampoo 4.5|Toothpaste 2.6|Hand cream 3.9|"
    "Sun lotion SPF 50 11.8|"
    "Eye drops 8.3|Thermometer 12.6|Cotton pads 1.9|Lip balm 2.3|Nasal spray 6.8|Hot water bottle 9.5|Zinc tablets 5.1"
)
_LEISURE = (
    "Paperback novel 9.9|Wall calendar 8.5|Notebook A5 2.9|Ball pens 3 pk 2.4|Phone charger 14.9|Headphones 24.9|"
    "USB stick 64 GB 11.5|"
    "T-shirt, cotton 12.9|Wool socks 6.9|Tennis balls 3 pk 7.4|Skipping rope 8.8|Wooden puzzle 13.5|"
    "Playing cards 4.2|Kite 15.9|"
    "Dog biscuits 3.3|Greeting card 2.8"
)
_STOCK = {
    "Bakery|Coffee House|Bistro": _CAFE, "Hardware|Garden Centre|Home & Living": _HOME, "Pharmacy": _CARE,
    "Books|Electronics|Sports|Fashion|Toys|Pet Supplies": _LEISURE,
}  # fmt: skip
_LOSSES = {
    "home": "Television 55 inch 780|Kitchen flooring 1900|Bathroom ceiling 850|Living room carpet 640|"
    "Garden fence 520|Roof tiles 1740|"
    "Washing machine 560|Refrigerator 870|Sofa, three seats 1240|Hotel for two nights 290|Emergency plumber 265|"
    "Drying equipment hire 410|Wardrobe contents 730|Painting of two rooms 960|Garage door 1120|Laptop computer 1150",
    "motor": "Front bumper 690|Windscreen 430|Left headlight 310|Rear door panel 880|Towing 180|"
    "Rental car, 5 days 340|Radiator grille 260|"
    "Paint work, bonnet 540|Right wing mirror 210|Alloy wheel 390|Parking sensor 150|Workshop labour 620",
    "travel": "Suitcase and clothes 540|Camera with lens 1480|Mobile phone 690|Wristwatch 860|Missed connection 410|"
    "Hotel for two nights 290|"
    "Replacement toiletries 85|Medical visit abroad 260|Laptop computer 1150|Passport renewal 120",
    "injury": "Ambulance transport 620|Physiotherapy 380|Dental treatment 750|Hospital stay, 3 days 2100|"
    "X-ray images 190|Crutches hire 60|"
    "Prescribed medicine 140|Specialist visit 230|Loss of earnings 1300",
}
LOSSES = {theme: priced(words) for theme, words in _LOSSES.items()}


def stock(shop: str) -> tuple[Priced, ...]:
    """What a shop of that name sells."""
    for endings, words in _STOCK.items():
        if shop.endswith(tuple(endings.split("|"))):
            return priced(words)
    return priced(_FOOD)


def sample(stream: Random, wares: tuple[Priced, ...], n: int) -> list[Priced]:
    """Different wares, each with a price near its usual one."""
    return [(name, price * stream.uniform(0.7, 1.6)) for name, price in stream.sample(wares, n)]
