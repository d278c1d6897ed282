"""Invented people, places, companies and goods, with the habits of the countries that they live in."""
